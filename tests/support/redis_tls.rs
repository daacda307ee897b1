//! A real redis-server that speaks TLS, beside its plain port, with a certificate of an authority of the test's own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{
    port::Port,
    redis::{RedisServer, program},
};

/// An authority, and a certificate of its that is good for this machine's own address.
pub(crate) struct Authority {
    dir: TempDir,
}

/// A redis-server with a port for TLS.
pub(crate) struct SecureRedis {
    pub(crate) server: RedisServer,
    port: Port,
}

impl Authority {
    /// Makes one, with `openssl`.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let run = |words: &[&str]| {
            let ran =
                Command::new("openssl").args(words).current_dir(dir.path()).output().expect("openssl is installed");
            assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
        run(&[
            &["req", "-x509", "-days", "2", "-subj", "/CN=authority"][..],
            &key,
            &["-keyout", "ca.key", "-out", "ca.pem"],
        ]
        .concat());
        let names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-addext", "basicConstraints=CA:FALSE"];
        let by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "own.key", "-out", "own.pem"];
        run(&[&["req", "-x509", "-days", "2", "-subj", "/CN=redis"][..], &key, &names, &by].concat());
        Self { dir }
    }

    /// The file that names it.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The settings, as in a file, with which a server or a Sentinel shows the certificate.
    pub(crate) fn settings(&self) -> Vec<[String; 2]> {
        let file = |name: &str| Path::to_string_lossy(&self.dir.path().join(name)).into_owned();
        [("tls-cert-file", "own.pem"), ("tls-key-file", "own.key"), ("tls-ca-cert-file", "ca.pem")]
            .map(|(setting, name)| [setting.to_owned(), file(name)])
            .into_iter()
            .chain([["tls-auth-clients".to_owned(), "no".to_owned()]])
            .collect()
    }
}

impl SecureRedis {
    /// Whether the program that `REDIS_SERVER` names was built with TLS; if not, says what is not tried.
    pub(crate) fn is_possible() -> bool {
        // Without a certificate no server starts with TLS; and it says whether that is what it lacks.
        let port = Port::any().number.to_string();
        let refused = Command::new(program()).args(["--port", "0", "--tls-port", &port]).output();
        let said = refused.expect("a server of Redis is installed, or named by REDIS_SERVER").stdout;
        let lacks_it = String::from_utf8_lossy(&said).contains("Failed finding TLS support");
        if lacks_it {
            println!("this server of Redis was built without TLS, which is not tried");
        }
        !lacks_it
    }

    /// Starts an empty one with a certificate of this authority.
    pub(crate) fn start(authority: &Authority) -> Self {
        let port = Port::any();
        let mut settings = vec!["--tls-port".to_owned(), port.number.to_string()];
        for [setting, value] in authority.settings() {
            settings.extend([format!("--{setting}"), value]);
        }
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        Self { server: RedisServer::start_as(&settings), port }
    }

    /// Its port for TLS.
    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// Where it speaks TLS, as `newswire --store` takes it.
    pub(crate) fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port.number)
    }
}
