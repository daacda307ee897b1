//! What an operator copies from `deploy/` works as it is: nginx and HAProxy, started with those very files, carry every
//! door, say who asks, and are in nobody's way when a node is upgraded behind them or when no node takes anybody.
//!
//! Only what an operator would write is written here: nginx's two small files, HAProxy's environment.

mod support;

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Child, Command},
    sync::atomic::Ordering,
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    crowd::Crowd,
    port::Port,
    server::{FEED, Kept, Server, accepted},
    stream::{Door, Said, Stream},
    until,
};
use tempfile::TempDir;

/// How many readers follow through a proxy while a node is upgraded behind it, and over which spread they leave.
const READERS: usize = 200;
const SPREAD: Duration = Duration::from_secs(3);

/// What stands in front of the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nginx,
    HAProxy,
}

/// A proxy of the test's own; ended by its process id when dropped.
struct Proxy {
    child: Child,
    port: Port,
    dir: TempDir,
}

impl Proxy {
    /// Starts one in front of these nodes, and waits until it serves.
    async fn start(kind: Kind, nodes: [&Server; 2]) -> Self {
        let dir = TempDir::new().expect("a directory");
        let port = Port::any();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
        let mut command = match kind {
            Kind::Nginx => nginx(dir.path(), &samples.join("nginx"), port.number, nodes),
            Kind::HAProxy => {
                let mut command = Command::new("haproxy");
                command.arg("-f").arg(samples.join("haproxy/haproxy.cfg"));
                command.env("NEWSWIRE_BIND", format!("127.0.0.1:{}", port.number));
                if fs::metadata(dir.path()).expect("our own directory").uid() != 0 {
                    command.env("NEWSWIRE_NOT_ROOT", "1");
                }
                for (name, node) in ["NEWSWIRE_NODE_1", "NEWSWIRE_NODE_2"].into_iter().zip(nodes) {
                    command.env(name, format!("127.0.0.1:{}", node.port()));
                }
                command
            }
        };
        let log = fs::File::create(dir.path().join("out")).expect("a file");
        let complaints = log.try_clone().expect("a second handle");
        let child = command.stdout(log).stderr(complaints).spawn();
        let child = child.unwrap_or_else(|error| panic!("{kind:?} must be installed: {error}"));
        let proxy = Self { child, port, dir };
        let client = &nodes[0].client;
        let serves = async || client.get(proxy.url("/healthz")).send().await.is_ok_and(|answer| answer.status() == 200);
        until("the proxy serves", serves).await;
        proxy
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port.number)
    }

    async fn follow(&self, door: Door, query: &str) -> Stream {
        Stream::at(&self.url(&format!("/v1/feeds/{FEED}/live?{query}")), door).await
    }

    /// What it has logged.
    fn log(&self) -> String {
        ["out", "log", "access"].map(|name| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()).concat()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx' master ends its worker on SIGTERM; killed, it would leave it behind.
        let told = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(told.is_ok_and(|status| status.success()), "the proxy is told to end");
        self.child.wait().expect("our own child can be waited for");
        if std::thread::panicking() {
            eprintln!("--- the proxy's log ---\n{}", self.log());
        }
    }
}

/// nginx with the sample as it is; beside it, what it includes, and a main file as a distribution brings it.
fn nginx(dir: &Path, samples: &Path, port: u16, nodes: [&Server; 2]) -> Command {
    let here = dir.display();
    fs::copy(samples.join("newswire.conf"), dir.join("newswire.conf")).expect("the sample is there");
    fs::create_dir(dir.join("newswire")).expect("a directory");
    let listen = format!("listen 127.0.0.1:{port}; access_log {here}/access newswire;\n");
    fs::write(dir.join("newswire/listen.conf"), listen).expect("written");
    let servers = nodes.map(|node| format!("server 127.0.0.1:{} max_fails=0;\n", node.port())).concat();
    fs::write(dir.join("newswire/nodes.conf"), servers).expect("written");
    let main = format!(
        "daemon off; pid {here}/pid; error_log {here}/log; worker_processes 1; events {{ worker_connections 2048; }}
         http {{
             client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
             fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
             include newswire.conf;
         }}"
    );
    let file = dir.join("nginx.conf");
    fs::write(&file, main).expect("written");
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&file).arg("-e").arg(dir.join("log"));
    command
}

/// Two nodes on one Redis that trust a proxy of this machine.
async fn two_nodes() -> [Server; 2] {
    let first = Server::start(Kept::Redis).await;
    let nodes = [first.beside().await, first];
    for node in &nodes {
        node.stop().await;
        up(node).await;
    }
    nodes
}

async fn up(node: &Server) {
    let mut command = node.command();
    command.args(["--trust-proxy", "127.0.0.1", "--spread", &SPREAD.as_secs().to_string()]);
    node.up_as(&mut command).await;
}

/// Publishes through the proxy.
async fn publish(proxy: &Proxy, nodes: &[Server; 2], headline: &str) -> Value {
    let request = nodes[0].client.post(proxy.url(&format!("/v1/feeds/{FEED}/items"))).bearer_auth(&nodes[0].token);
    accepted(request.json(&json!({"headline": headline})).send().await).await
}

/// Streams, polls that wait, pages, editing with ETags and what is refused for its size go through the proxy.
async fn every_door_works(kind: Kind) {
    let nodes = two_nodes().await;
    let proxy = Proxy::start(kind, [&nodes[0], &nodes[1]]).await;
    let mut readers = Vec::new();
    for door in [Door::WebSocket, Door::Sse, Door::WebSocket, Door::Sse] {
        let mut reader = proxy.follow(door, "").await;
        reader.until("caughtUp").await;
        readers.push(reader);
    }
    let position = nodes[0].read(&format!("/v1/feeds/{FEED}")).await["position"].as_str().expect("text").to_owned();
    // A poll that waits, on its way through the proxy before there is anything.
    let poll = nodes[0].client.get(proxy.url(&format!("/v1/feeds/{FEED}/changes?after={position}&wait=30"))).send();
    let (polled, item) = tokio::join!(poll, publish(&proxy, &nodes, "Through a proxy"));
    let polled: Value = polled.expect("an answer").json().await.expect("JSON");
    assert_eq!(polled["changes"][0]["item"]["headline"], "Through a proxy", "{polled}");
    for reader in &mut readers {
        assert_eq!(reader.until("item.published").await["item"]["headline"], "Through a proxy");
    }
    // What follows is asked and answered as without a proxy: ETag, If-Match, a body of the size that newswire refuses.
    let address = proxy.url(&format!("/v1/feeds/{FEED}/items/{}", item["item"]["id"].as_str().expect("an id")));
    let change = nodes[0].client.patch(&address).bearer_auth(&nodes[0].token).json(&json!({"headline": "Changed"}));
    accepted(change.header("If-Match", item["etag"].as_str().expect("an ETag")).send().await).await;
    let large = nodes[0].client.post(proxy.url(&format!("/v1/feeds/{FEED}/items"))).bearer_auth(&nodes[0].token);
    let large = large.json(&json!({"headline": "A", "body": "x".repeat(600 * 1024)})).send().await.expect("an answer");
    assert_eq!(large.status(), 413);
    assert_eq!(large.json::<Value>().await.expect("newswire's own answer")["code"], "bodyTooLarge");
    let page = nodes[0].client.get(proxy.url("/")).send().await.expect("an answer");
    assert_eq!(page.status(), 200);
}

#[tokio::test]
async fn every_door_works_through_nginx() {
    every_door_works(Kind::Nginx).await;
}

#[tokio::test]
async fn every_door_works_through_haproxy() {
    every_door_works(Kind::HAProxy).await;
}

/// Who asks, and the request's id, are what the proxy says, and never what a client made up.
async fn who_asks_is_known(kind: Kind) {
    let nodes = two_nodes().await;
    let proxy = Proxy::start(kind, [&nodes[0], &nodes[1]]).await;
    // Not an address that the nodes trust, as the proxy's is.
    let client = reqwest::Client::builder().local_address(IpAddr::from([127, 0, 0, 2])).build().expect("a client");
    let edit = |number: u8, id: &'static str| {
        let request = client.post(proxy.url(&format!("/v1/feeds/{FEED}/items?a=secret"))).bearer_auth(&nodes[0].token);
        let forged = request.header("Forwarded", format!("for=192.0.2.{number}")).header("X-Request-Id", id);
        forged.header("X-Forwarded-For", "198.51.100.7").json(&json!({"headline": "A"})).send()
    };
    let answer = edit(1, "from-the-console").await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["x-request-id"].to_str().ok()),
        (201, Some("from-the-console"))
    );
    let answer = edit(2, "not plain").await.expect("an answer");
    let made = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
    assert!(answer.status() == 201 && made.len() >= 32 && made != "not plain", "{made}");
    let log = || nodes[0].log() + &nodes[1].log();
    until("both edits are in the log", async || log().contains("from-the-console") && log().contains(&made)).await;
    assert!(log().contains("client=127.0.0.2"), "{}", log());
    assert!(!log().contains("198.51.100.7") && !log().contains("192.0.2."), "{}", log());
    until("the proxy logs the same ids", async || {
        proxy.log().contains("from-the-console") && proxy.log().contains(&made)
    })
    .await;
    assert!(!proxy.log().contains("secret"), "a query may hold a ticket: {}", proxy.log());
}

#[tokio::test]
async fn who_asks_is_known_through_nginx() {
    who_asks_is_known(Kind::Nginx).await;
}

#[tokio::test]
async fn who_asks_is_known_through_haproxy() {
    who_asks_is_known(Kind::HAProxy).await;
}

/// Each node is stopped and started again, one after the other, while a crowd reads and an editor publishes through the
/// proxy: nobody misses a change, and all are soon back.
async fn an_upgrade_is_not_noticed(kind: Kind) {
    let nodes = two_nodes().await;
    let proxy = Proxy::start(kind, [&nodes[0], &nodes[1]]).await;
    let mut crowd = Crowd::of(&[proxy.port.number]);
    crowd.come(READERS);
    let seen = crowd.seen.clone();
    until("the crowd is there", async || seen.everywhere() == READERS).await;
    let mut last = Value::Null;
    for (number, node) in nodes.iter().enumerate() {
        let begun = seen.now();
        let stop = node.stop();
        let editing = async {
            for _ in 0..10 {
                last = publish(&proxy, &nodes, &seen.now().as_millis().to_string()).await["position"].clone();
                let _paced = tokio::time::timeout(Duration::from_millis(300), std::future::pending::<()>()).await;
            }
        };
        let (status, ()) = tokio::join!(stop, editing);
        assert_eq!(status.code(), Some(0));
        // While it is down, too.
        last = publish(&proxy, &nodes, &seen.now().as_millis().to_string()).await["position"].clone();
        until("everybody is back", async || seen.everywhere() == READERS).await;
        let back = seen.last_back() - begun;
        println!("{kind:?}, node {number}: the last back after {back:.1?}");
        assert!(back <= SPREAD + Duration::from_secs(5), "the last was back after {back:?}");
        up(node).await;
        // As an operator does: the next one is stopped once readers come to this one again.
        let comes_again = async || {
            let mut newcomer = proxy.follow(Door::Sse, "").await;
            newcomer.until("caughtUp").await;
            let published = node.publish(&json!({"headline": seen.now().as_millis().to_string()})).await;
            last = published["position"].clone();
            published["readers"].as_u64() >= Some(1)
        };
        until("the node has readers again", comes_again).await;
    }
    let last = support::stream::seq(&last);
    until("everybody has everything", async || seen.furthest_behind() == last).await;
    println!(
        "{kind:?}: told to leave {} times, cut off {} times, longest away {:.1?}, a change at most {:.1?} late",
        seen.told.load(Ordering::Relaxed),
        seen.untold.load(Ordering::Relaxed),
        seen.longest_away(),
        seen.latest(),
    );
    assert_eq!(seen.wrong(), Vec::<String>::new(), "missed, repeated or out of order");
    // Half of them are told by the first node and all by the second; the proxy sends nobody back to where they came from.
    assert!(seen.told.load(Ordering::Relaxed) < 2 * READERS, "readers were sent to a node that turns them away");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_behind_nginx_is_not_noticed() {
    an_upgrade_is_not_noticed(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_behind_haproxy_is_not_noticed() {
    an_upgrade_is_not_noticed(Kind::HAProxy).await;
}

/// With every node out of touch with its store, open readers stay, an EventSource that comes is told when to come back,
/// and everything goes on by itself.
async fn all_red(kind: Kind) {
    let nodes = two_nodes().await;
    let proxy = Proxy::start(kind, [&nodes[0], &nodes[1]]).await;
    let mut there = Vec::new();
    for door in [Door::WebSocket, Door::Sse] {
        let mut reader = proxy.follow(door, "").await;
        reader.until("caughtUp").await;
        there.push(reader);
    }
    nodes[0].redis().pause();
    for reader in &mut there {
        reader.until("stale").await;
    }
    if kind == Kind::HAProxy {
        let red =
            async || ["node-1", "node-2"].iter().all(|node| proxy.log().contains(&format!("ready/{node} is DOWN")));
        until("the proxy has found both red", red).await;
    }
    let live = proxy.url(&format!("/v1/feeds/{FEED}/live"));
    let turned_away = async || {
        let asked = nodes[0].client.get(&live).header("Accept", "text/event-stream").send().await.expect("an answer");
        assert_eq!(asked.status(), 200, "after an error status an EventSource never comes back");
        assert_eq!(asked.headers()["content-type"], "text/event-stream");
        asked.text().await.expect("it ends")
    };
    for _ in 0..4 {
        let said = turned_away().await;
        assert!(said.starts_with("retry: "), "{said}");
        assert!(!said.contains("\"hello\""), "{said}");
    }
    // Editors hear it from a node, in its own words.
    let asked = nodes[0].client.get(proxy.url(&format!("/v1/feeds/{FEED}/changes?after=0"))).send();
    let asked = asked.await.expect("an answer");
    assert_eq!(asked.status(), 503);
    assert_eq!(asked.json::<Value>().await.expect("newswire's own answer")["code"], "unavailable");

    nodes[0].redis().resume();
    // At once, and whatever a check last found.
    let taken = async || {
        let mut reader = proxy.follow(Door::Sse, "").await;
        matches!(reader.next().await, Said::Message(message) if message["type"] == "hello")
    };
    until("newcomers are taken again", taken).await;
    publish(&proxy, &nodes, "After the silence").await;
    for reader in &mut there {
        assert_eq!(reader.until("item.published").await["item"]["headline"], "After the silence", "they stayed");
    }

    // And where no node is even there.
    for node in &nodes {
        node.kill();
    }
    let said = turned_away().await;
    assert!(said.starts_with("retry: ") && said.ends_with("\n\n"), "{said}");
    let items = nodes[0].client.request(Method::GET, proxy.url(&format!("/v1/feeds/{FEED}/items"))).send().await;
    assert!(items.expect("an answer").status().is_server_error());
}

#[tokio::test]
async fn with_every_node_red_behind_nginx_readers_stay_and_newcomers_are_told_when_to_come() {
    all_red(Kind::Nginx).await;
}

#[tokio::test]
async fn with_every_node_red_behind_haproxy_readers_stay_and_newcomers_are_told_when_to_come() {
    all_red(Kind::HAProxy).await;
}
