//! A headless Chromium, and everything that it asks the network for.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any page takes; a browser that hangs fails a test instead of stopping all of them.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Whom Chromium itself asks, whatever is shown: its clock, its updates, its accounts.
const OWN: [&str; 3] = [".google.com", ".googleapis.com", ".gvt1.com"];

/// How it runs: without a screen, and without errands of its own.
pub(super) const FLAGS: [&str; 7] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// What `browser.sh` ends with where there is no browser and nobody has asked for one.
const NOT_RUN: i32 = 3;

/// The browser, or `None` where there is none and installing one was not asked for. The script says so itself, past the
/// test harness, which shows nothing of a test that passes. In CI it ends otherwise, so that nothing is left out there.
pub(super) static BROWSER: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser.sh");
    let output = Command::new("sh")
        .arg(&script)
        .stderr(Stdio::inherit())
        .output()
        .expect("a shell");
    if output.status.code() == Some(NOT_RUN) {
        return None;
    }
    assert!(output.status.success(), "{} found no browser", script.display());
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end()))
});

/// What became of a page in the browser.
pub(crate) struct Seen {
    /// The document after scripts, if any, have run.
    pub(crate) dom: String,
    /// What was asked of the network, as first lines of requests; without what Chromium asks by itself.
    pub(crate) requests: Vec<String>,
}

/// Opens a page from a file, if there is a browser. Whatever it asks of any host comes to a proxy of ours, and to nobody else.
pub(crate) fn open_file(page: &Path) -> Option<Seen> {
    open(&|_| format!("file://{}", page.display()), "")
}

/// Opens a page as a server would give it, under `/page`, if there is a browser.
pub(crate) fn open_served(page: &str) -> Option<Seen> {
    open(&|port| format!("http://127.0.0.1:{port}/page"), page)
}

fn open(url: &dyn Fn(u16) -> String, served: &str) -> Option<Seen> {
    let browser = BROWSER.as_deref()?;
    let network = Network::listen(served.to_owned());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dom = folder.path().join("dom.html");
    let mut child = Command::new(browser)
        .args(FLAGS)
        .arg("--dump-dom")
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg(format!("--proxy-server=http://127.0.0.1:{}", network.port))
        .arg("--proxy-bypass-list=<-loopback>")
        .arg(url(network.port))
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&dom).expect("a file in a temporary folder"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not run: {error}", browser.display()));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child of ours") {
            Some(status) => break status,
            None if begun.elapsed() > PATIENCE => {
                let _ = child.kill();
                panic!("the browser has not shown the page within {PATIENCE:?}");
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(status.success(), "the browser ended with {status}");
    Some(Seen {
        dom: std::fs::read_to_string(dom).expect("what the browser has shown"),
        requests: network.requests(),
    })
}

/// A server and proxy that gives one page, refuses everything else, and writes down all of it.
pub(super) struct Network {
    pub(super) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    listener: Option<thread::JoinHandle<()>>,
}

impl Network {
    pub(super) fn listen(page: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
        let port = listener.local_addr().expect("its number").port();
        let (heard, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (writes, ends) = (Arc::clone(&heard), Arc::clone(&over));
        let listener = thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (page, writes) = (page.clone(), Arc::clone(&writes));
                thread::spawn(move || answer(stream, &page, &writes));
            }
        });
        Self {
            port,
            heard,
            over,
            listener: Some(listener),
        }
    }

    pub(super) fn requests(mut self) -> Vec<String> {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that all is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let listener = self.listener.take().expect("a listener");
        listener.join().expect("a listener that does not panic");
        let heard = self.heard.lock().expect("a list");
        heard.iter().filter(|line| !is_own(line)).cloned().collect()
    }
}

/// Whether Chromium asks for this by itself: `GET http://HOST/...` or `CONNECT HOST:443`.
fn is_own(line: &str) -> bool {
    let address = line.split(' ').nth(1).unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = address.split(['/', ':']).next().unwrap_or_default();
    OWN.iter().any(|own| host.ends_with(own))
}

fn answer(mut stream: TcpStream, page: &str, heard: &Mutex<Vec<String>>) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
            _ => break,
        }
    }
    let request = String::from_utf8_lossy(&request);
    // A connection that is opened in advance, and never used, asks for nothing.
    let Some(line) = request.lines().next().filter(|line| !line.is_empty()) else {
        return;
    };
    heard.lock().expect("a list").push(line.to_owned());
    let (status, body) = if line
        .split(' ')
        .nth(1)
        .is_some_and(|asked| asked.ends_with("/page"))
    {
        ("200 OK", page)
    } else {
        ("403 Forbidden", "")
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
}
