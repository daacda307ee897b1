//! A server behind a proxy: the public path, who asks, IPv6; with a real nginx that leaves the path, or takes it away.

mod support;

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::json;
use support::{
    port::Port,
    server::{FEED, Kept, Server},
    stream::{Door, Stream},
    until,
};
use tempfile::TempDir;

/// The server, started again with these options.
async fn again(server: &Server, options: &[&str]) {
    server.stop().await;
    let mut command = server.command();
    command.args(options);
    server.up_as(&mut command).await;
}

/// An nginx of the test's own; ended by its process id when dropped.
struct Nginx {
    child: Child,
    port: Port,
    _dir: TempDir,
}

impl Nginx {
    /// Serves `/news/` from there: `upstream` ends with a slash where it takes the path away.
    fn start(upstream: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        let port = Port::any();
        let (path, listen) = (dir.path().display(), port.number);
        let location = if upstream.ends_with('/') { "/news/" } else { "/news" };
        let config = format!(
            "daemon off; pid {path}/pid; error_log {path}/log; worker_processes 1; events {{ worker_connections 64; }}
             http {{
                 access_log off;
                 client_body_temp_path {path}/body; proxy_temp_path {path}/proxy;
                 fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s;
                 map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
                 server {{
                     listen 127.0.0.1:{listen};
                     location {location} {{
                         proxy_pass {upstream};
                         proxy_http_version 1.1;
                         proxy_set_header Host $host;
                         proxy_set_header Upgrade $http_upgrade;
                         proxy_set_header Connection $connection_upgrade;
                         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                     }}
                 }}
             }}"
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, config).expect("written");
        let child = Command::new("nginx")
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(dir.path().join("log"))
            .stdout(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        Self { child, port, _dir: dir }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port.number)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its worker on SIGTERM; killed, it would leave it behind.
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(told.is_ok_and(|status| status.success()), "nginx is told to end");
        self.child.wait().expect("our own child can be waited for");
    }
}

/// Publishes, reads and follows through `/news` of this nginx.
async fn works_through(server: &Server, nginx: &Nginx) {
    let client = &server.client;
    let ready = async || client.get(nginx.url("/news/healthz")).send().await.is_ok_and(|answer| answer.status() == 200);
    until("nginx serves", ready).await;
    let items = nginx.url(&format!("/news/v1/feeds/{FEED}/items"));
    let made = client.post(&items).bearer_auth(&server.token).json(&json!({"headline": "Through a proxy"}));
    let made = made.send().await.expect("an answer");
    assert_eq!(made.status(), 201);
    let place = made.headers()["location"].to_str().expect("text").to_owned();
    assert!(place.starts_with(&format!("/news/v1/feeds/{FEED}/items/")), "{place}");
    // What is told as its place can be asked for there.
    let item = client.get(nginx.url(&place)).send().await.expect("an answer");
    assert_eq!(item.status(), 200);

    let page = client.get(nginx.url("/news")).send().await.expect("an answer");
    assert_eq!((page.status().as_u16(), page.url().path()), (200, &*format!("/news/feeds/{FEED}")));
    let style = client.get(nginx.url("/news/page/page.css")).send().await.expect("an answer");
    assert_eq!(style.status(), 200);
    for door in [Door::WebSocket, Door::Sse] {
        let mut reader = Stream::at(&nginx.url(&format!("/news/v1/feeds/{FEED}/live?last=10")), door).await;
        reader.until("caughtUp").await;
        let item = json!({"headline": "Live through a proxy"});
        client.post(&items).bearer_auth(&server.token).json(&item).send().await.expect("an answer");
        assert_eq!(reader.until("item.published").await["item"]["headline"], "Live through a proxy", "{door:?}");
    }
}

#[tokio::test]
async fn a_proxy_may_leave_the_public_path_or_take_it_away() {
    let server = Server::start(Kept::Sqlite).await;
    again(&server, &["--public-url", "https://example.org/news/", "--trust-proxy", "127.0.0.1"]).await;
    works_through(&server, &Nginx::start(&server.url(""))).await;
    works_through(&server, &Nginx::start(&server.url("/"))).await;
    // Without the path it can still be asked, by who is beside it.
    server.read(&format!("/v1/feeds/{FEED}")).await;
}

#[tokio::test]
async fn who_asks_is_known_through_trusted_proxies_alone() {
    let server = Server::start(Kept::Sqlite).await;
    let ask = async |name: &str, value: &str| {
        // Every edit is in the log, with who made it.
        let edit = server.edit(reqwest::Method::POST, "items").json(&json!({"headline": "A"}));
        assert_eq!(edit.header(name, value).send().await.expect("an answer").status(), 201);
    };
    again(&server, &["--trust-proxy", "127.0.0.0/8,2001:db8::/32"]).await;
    ask("X-Forwarded-For", "198.51.100.1, 192.0.2.77").await;
    ask("Forwarded", "for=\"[2001:db8:ffff::1]:99\", for=192.0.2.78").await;
    until("both are in the log", async || {
        let log = server.log();
        log.contains("client=192.0.2.77") && log.contains("client=192.0.2.78")
    })
    .await;
    again(&server, &[]).await;
    ask("X-Forwarded-For", "192.0.2.79").await;
    until("who is connected is in the log", async || server.log().contains("client=127.0.0.1")).await;
    assert!(!server.log().contains("192.0.2.79") && !server.log().contains("client=198.51.100.1"));
}

#[tokio::test]
async fn everything_works_over_ipv6() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
    let listen = format!("[::1]:{}", server.port());
    command.args(["--listen", &listen, "--data"]).arg(server.data());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("newswire starts");
    let url = format!("http://{listen}");
    let client = &server.client;
    let ready = async || client.get(format!("{url}/readyz")).send().await.is_ok_and(|answer| answer.status() == 200);
    until("it serves over IPv6", ready).await;
    let mut reader = Stream::at(&format!("{url}/v1/feeds/{FEED}/live"), Door::WebSocket).await;
    reader.until("caughtUp").await;
    let published = Command::new(env!("CARGO_BIN_EXE_newswire"))
        .args(["publish", "--server", &url, "--token", &server.token, "--feed", FEED])
        .arg(std::env::current_dir().expect("a directory").join("examples/sample-items.jsonl"))
        .output()
        .expect("newswire runs");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    reader.until("item.published").await;
    child.kill().expect("our own child can be killed");
    child.wait().expect("our own child can be waited for");
}

#[test]
fn a_public_address_or_a_network_that_is_none_refuses_to_start_and_names_itself() {
    for (option, value) in [("--public-url", "news.example.org"), ("--trust-proxy", "10.0.0.0/33")] {
        let said = Command::new(env!("CARGO_BIN_EXE_newswire")).args([option, value]).output().expect("newswire runs");
        let text = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(2), "{text}");
        assert!(text.contains(option) && text.contains(value) && text.contains("looks like"), "{text}");
    }
}
