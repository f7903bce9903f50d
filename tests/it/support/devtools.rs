//! A headless Chromium whose keys are pressed: its DevTools protocol over a pair of pipes, so that no port is opened.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::browser::{BROWSER, FLAGS, Network, PATIENCE};

/// One browser at a time: several would wait for each other's screens for longer than a test has patience.
static TURN: Mutex<()> = Mutex::new(());

/// A page that is open in a browser of its own. What it asks of any host comes to a proxy of ours.
pub(crate) struct OpenPage {
    _turn: MutexGuard<'static, ()>,
    browser: Child,
    to: File,
    from: Receiver<Value>,
    network: Option<Network>,
    folder: tempfile::TempDir,
    session: Option<String>,
    calls: u64,
    /// What the browser has reported besides answers, in order.
    events: Vec<Value>,
}

/// What became of a page.
pub(crate) struct Left {
    /// What was asked of the network.
    pub(crate) requests: Vec<String>,
    /// Errors of scripts, breaches of the page's policy, dialogs.
    pub(crate) complaints: Vec<Value>,
}

/// Opens a page file, types keys, and returns the text that the last key has saved, if there is a browser. A key of one
/// letter or a name (`Escape`, `Enter`, `ArrowRight`) is pressed; a longer text is typed letter by letter.
pub(crate) fn saved_after(page: &Path, keys: &[&str]) -> Option<String> {
    let mut open = OpenPage::open(page)?;
    let saved = open.saved_by(keys);
    let left = open.leave();
    assert_eq!(left.requests, [""; 0]);
    assert!(left.complaints.is_empty(), "{:?}", left.complaints);
    Some(saved)
}

impl OpenPage {
    /// Opens a page from a file, if there is a browser.
    pub(crate) fn open(page: &Path) -> Option<Self> {
        let browser = BROWSER.as_deref()?;
        // A test that has failed leaves its turn in order.
        let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let network = Network::listen(String::new());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipes = ["to", "from"].map(|name| folder.path().join(name));
        let made = Command::new("mkfifo").args(&pipes).status().expect("mkfifo");
        assert!(made.success(), "mkfifo makes no pipes: {made}");
        let browser = start(browser, folder.path(), &pipes, network.port);
        let (send, from) = channel();
        let read = pipes[1].clone();
        thread::spawn(move || {
            let Ok(read) = File::open(read) else { return };
            for message in BufReader::new(read).split(0) {
                let message = message.ok().and_then(|text| serde_json::from_slice(&text).ok());
                if message.is_none_or(|message| send.send(message).is_err()) {
                    return;
                }
            }
        });
        // For both directions, so that opening does not wait for a browser that may not come.
        let to = OpenOptions::new().read(true).write(true).open(&pipes[0]);
        let mut open = Self {
            _turn: turn,
            browser,
            to: to.expect("a pipe of ours"),
            from,
            network: Some(network),
            folder,
            session: None,
            calls: 0,
            events: Vec::new(),
        };
        open.begin(page);
        Some(open)
    }

    fn begin(&mut self, page: &Path) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = self.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        let saves = json!({"behavior": "allow", "downloadPath": self.folder.path(), "eventsEnabled": true});
        self.call("Browser.setDownloadBehavior", saves);
        self.session = Some(attached["sessionId"].as_str().expect("a session").to_owned());
        for domain in ["Page", "Runtime", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.call(
            "Page.navigate",
            json!({"url": format!("file://{}", page.display())}),
        );
        self.wait("Page.loadEventFired", |_| true);
    }

    /// Types keys, as [`saved_after`] does, and waits until the page has had all of them.
    pub(crate) fn press(&mut self, keys: &[&str]) {
        let mut last = None;
        for key in keys {
            if code(key) != 0 {
                last = Some(self.press_one(key));
            } else {
                last = key
                    .chars()
                    .map(|letter| self.press_one(&letter.to_string()))
                    .last();
            }
        }
        if let Some(last) = last {
            self.result_of(last, "Input.dispatchKeyEvent");
        }
    }

    /// Presses a key and lets it go: the number of the call.
    fn press_one(&mut self, key: &str) -> u64 {
        let text = match key {
            "Enter" => "\r",
            _ if code(key) == 0 => key,
            _ => "",
        };
        let down = json!({"type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": code(key)});
        self.post("Input.dispatchKeyEvent", down);
        self.post("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key}))
    }

    /// Types keys of which the last one saves a file, and returns its text.
    pub(crate) fn saved_by(&mut self, keys: &[&str]) -> String {
        self.events
            .retain(|event| event["method"] != "Browser.downloadWillBegin");
        self.press(keys);
        let begun = self.wait("Browser.downloadWillBegin", |_| true);
        let guid = begun["params"]["guid"].clone();
        self.wait("Browser.downloadProgress", |event| {
            event["params"]["guid"] == guid && event["params"]["state"] == "completed"
        });
        let name = begun["params"]["suggestedFilename"].as_str().expect("a name");
        std::fs::read_to_string(self.folder.path().join(name)).expect("the file that was saved")
    }

    /// Returns the value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true});
        self.call("Runtime.evaluate", asked)["result"]["value"].take()
    }

    /// Loads the page again, as a person does by accident, and returns whether the browser has warned first.
    pub(crate) fn reload(&mut self) -> bool {
        self.events.clear();
        self.post("Page.reload", json!({}));
        self.wait("Page.loadEventFired", |_| true);
        let before = self.events.len();
        let is_warning = |event: &Value| event["params"]["type"] == "beforeunload";
        self.events.retain(|event| !is_warning(event));
        self.events.len() < before
    }

    /// Closes the browser.
    pub(crate) fn leave(mut self) -> Left {
        self.session = None;
        self.call("Browser.close", json!({}));
        let begun = Instant::now();
        while self.browser.try_wait().expect("a child of ours").is_none() {
            assert!(begun.elapsed() < PATIENCE, "the browser does not end");
            thread::sleep(Duration::from_millis(20));
        }
        let complaints = [
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Runtime.consoleAPICalled",
            "Page.javascriptDialogOpening",
        ];
        // The browser also says what is no fault of the page: that it had no need of an autofocus.
        let is_remark = |event: &Value| event["params"]["entry"]["level"] == "info";
        let is_complaint = |event: &Value| {
            complaints.iter().any(|complaint| event["method"] == *complaint) && !is_remark(event)
        };
        Left {
            requests: self.network.take().expect("a network until now").requests(),
            complaints: std::mem::take(&mut self.events)
                .into_iter()
                .filter(is_complaint)
                .collect(),
        }
    }

    /// Calls a method of the protocol and returns its result.
    fn call(&mut self, method: &str, params: Value) -> Value {
        let call = self.post(method, params);
        self.result_of(call, method)
    }

    fn result_of(&mut self, call: u64, method: &str) -> Value {
        loop {
            let mut message = self.next(method);
            assert!(message["error"].is_null(), "{method}: {}", message["error"]);
            if message["id"] == call {
                return message["result"].take();
            }
            self.hear(message);
        }
    }

    fn post(&mut self, method: &str, params: Value) -> u64 {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let text = format!("{message}\0");
        self.to
            .write_all(text.as_bytes())
            .expect("a browser that listens");
        self.calls
    }

    /// Waits for an event, unless it has come already.
    fn wait(&mut self, method: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut seen = 0;
        loop {
            let fits = |event: &&Value| event["method"] == method && is_it(event);
            if let Some(event) = self.events[seen..].iter().find(fits) {
                return event.clone();
            }
            seen = self.events.len();
            let message = self.next(method);
            self.hear(message);
        }
    }

    fn hear(&mut self, message: Value) {
        if message["method"] == "Page.javascriptDialogOpening" {
            self.post("Page.handleJavaScriptDialog", json!({"accept": true}));
        }
        if !message["method"].is_null() {
            self.events.push(message);
        }
    }

    fn next(&mut self, awaited: &str) -> Value {
        match self.from.recv_timeout(PATIENCE) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => {
                panic!("the browser says nothing of {awaited} within {PATIENCE:?}")
            }
            Err(RecvTimeoutError::Disconnected) => panic!("the browser has ended before {awaited}"),
        }
    }
}

impl Drop for OpenPage {
    fn drop(&mut self) {
        // Of a test that has failed; a browser that was left has ended.
        let _ = self.browser.kill();
        let _ = self.browser.wait();
    }
}

/// Starts the browser with its protocol on descriptors 3 and 4, which only a shell can give it.
fn start(browser: &Path, folder: &Path, pipes: &[PathBuf; 2], port: u16) -> Child {
    let browser = Command::new("sh")
        .args([
            "-c",
            "to=$1 from=$2; shift 2; exec \"$@\" 3< \"$to\" 4> \"$from\"",
            "sh",
        ])
        .args(pipes)
        .arg(browser)
        .args(FLAGS)
        .arg("--remote-debugging-pipe")
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--proxy-server=http://127.0.0.1:{port}"))
        .arg("--proxy-bypass-list=<-loopback>")
        // Otherwise it opens the start page that its maker has chosen.
        .arg("about:blank")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    browser.expect("a shell")
}

/// The virtual key code of a key with a name; 0 for a letter.
fn code(key: &str) -> u32 {
    match key {
        "Tab" => 9,
        "Enter" => 13,
        "Escape" => 27,
        "ArrowLeft" => 37,
        "ArrowUp" => 38,
        "ArrowRight" => 39,
        "ArrowDown" => 40,
        _ => 0,
    }
}
