//! nginx with nchan, for comparison: Debian's packages `nginx` and `libnginx-mod-nchan`, as many workers as cores,
//! channels in memory. One connection publishes: the changes carry their numbers with them here, and come in the order of
//! these over one only.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    crowd::Arrival,
    subject::{Publisher, Subject},
};
use crate::support::{Fallible, child::Child, clock::Moment, cores, editors::Editors, http, proc, stamp::Stamped};

/// Where Debian puts it.
const MODULE: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";
/// Where all messages that there are are sent first: a number of them may be at most 32.
pub(crate) const MISSED: &str = "/missed";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts one on a free port. What is published is a change as newswire writes it.
///
/// # Errors
/// It is not installed: the failure says what to do.
pub(crate) fn start(change: &Stamped) -> Fallible<Subject> {
    if !Path::new(MODULE).exists() {
        return Err("nchan is not installed; on Debian, `apt-get install nginx libnginx-mod-nchan` brings it".into());
    }
    let dir = TempDir::new()?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let file = dir.path().join("nginx.conf");
    fs::write(&file, settings(dir.path(), port))?;
    let mut command = Command::new("/usr/sbin/nginx");
    let said = fs::File::create(dir.path().join("said"))?;
    command.arg("-c").arg(&file).arg("-p").arg(dir.path()).stdout(Stdio::null()).stderr(said);
    let mut nginx = Nginx { master: Child::start(&mut command)?, dir };
    let begun = Moment::now();
    while TcpStream::connect(address).is_err() || proc::children(nginx.master.id())?.len() < cores() {
        if !nginx.master.runs() || Moment::now().since(begun) > PATIENCE {
            let said = fs::read_to_string(nginx.dir.path().join("said")).unwrap_or_default();
            return Err(format!("nginx does not start:\n{said}").into());
        }
        Moment::now().later(Duration::from_millis(5)).wait();
    }
    let body = std::str::from_utf8(&change.bytes)?;
    let request = change.within(http::post("/publish", None, body));
    Ok(Subject {
        name: "nchan",
        processes: proc::children(nginx.master.id())?,
        address,
        path: "/live".to_owned(),
        arrival: Arrival::Changes,
        publisher: Publisher::Editors(Editors::connect(address, 1, request)?),
        head: 1,
        _alive: Box::new(nginx),
    })
}

/// A master and its workers.
struct Nginx {
    master: Child,
    dir: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if !self.master.runs() {
            return;
        }
        // A master that is killed leaves its workers behind: it is told to end, and ends them.
        let told = Command::new("kill").args(["-TERM", &self.master.id().to_string()]).status();
        let begun = Moment::now();
        while told.is_ok() && self.master.runs() && Moment::now().since(begun) < PATIENCE {
            Moment::now().later(Duration::from_millis(5)).wait();
        }
    }
}

/// Its settings: what can be left out is left out, so that it is at its fastest.
fn settings(dir: &Path, port: u16) -> String {
    let (dir, workers) = (dir.display(), cores());
    format!(
        "load_module {MODULE};
daemon off;
user root;
worker_processes {workers};
worker_rlimit_nofile 20000;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    nchan_shared_memory_size 256M;
    nchan_message_buffer_length 1000;
    nchan_message_timeout 1h;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        tcp_nodelay on;
        location = /publish {{ nchan_channel_id news; nchan_publisher http; }}
        location = /live {{ nchan_channel_id news; nchan_subscriber websocket eventsource; nchan_subscriber_first_message newest; }}
        location = {MISSED} {{ nchan_channel_id news; nchan_subscriber websocket eventsource; nchan_subscriber_first_message oldest; }}
    }}
}}
"
    )
}
