//! A real redis-server with a directory and a port of its own and an append-only file that goes to the disk every
//! second, as a newsroom would run it. Which program: `redis-server`, or what `REDIS_SERVER` names.

use std::{
    env,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::{Fallible, child::Child, clock::Moment};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A redis-server.
pub(crate) struct RedisServer {
    process: Child,
    port: u16,
    _dir: TempDir,
}

impl RedisServer {
    /// Starts an empty one and waits until it answers.
    ///
    /// # Errors
    /// It is not installed: the failure says what to do.
    pub(crate) fn start() -> Fallible<Self> {
        let program = env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let dir = TempDir::new()?;
        // Nobody else takes the port in the moment until it is used: the system gives out others first.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = Command::new(&program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(dir.path());
        command.args(["--appendonly", "yes", "--appendfsync", "everysec"]).stdout(Stdio::null());
        let process = Child::start(&mut command).map_err(|failure| {
            format!("{failure}; on Debian, `apt-get install redis-server` brings it, and REDIS_SERVER can name another")
        })?;
        let mut server = Self { process, port, _dir: dir };
        let begun = Moment::now();
        while !server.answers() {
            if !server.process.runs() || Moment::now().since(begun) > PATIENCE {
                return Err(format!("{program} does not answer on port {port}").into());
            }
            Moment::now().later(Duration::from_millis(5)).wait();
        }
        Ok(server)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it listens, as `newswire --store` takes it.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            socket.write_all(b"INFO server\r\nPING\r\nQUIT\r\n")?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer)?;
            Ok(answer.contains(&format!("process_id:{}\r\n", self.process.id())) && answer.contains("+PONG"))
        };
        ask().unwrap_or(false)
    }
}
