//! What the tests share.

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use url::Url;
use webhook_sender::{Failure, Message, Names, Options, Outcome, Reach, Secret, Sender};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const SENT_AT: &str = "2021-02-25T15:02:10.9Z";

/// Names that lead wherever the test says: each answer once, and the last one for ever.
pub(crate) struct Forged {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Forged {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |texts: &&[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let answers = Mutex::new(answers.iter().map(parse).collect());
        Arc::new(Self { answers, asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Names for Forged {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { Ok(answers.pop_front().unwrap()) } else { Ok(answers.front().cloned().unwrap()) }
    }
}

pub(crate) fn options(reach: Reach, names: Arc<dyn Names>) -> Options {
    Options { names, ..Options::new(reach) }
}

/// A sender to anywhere, that is patient for as long as a test takes.
pub(crate) fn sender() -> Sender {
    Sender::new(&Options::new(Reach::Anywhere)).unwrap()
}

/// The same message, whatever the test.
pub(crate) async fn send(sender: &Sender, url: &str) -> Outcome {
    send_with(sender, url, &[SECRET]).await
}

pub(crate) async fn send_with(sender: &Sender, url: &str, secrets: &[&str]) -> Outcome {
    let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::parse(text).unwrap()).collect();
    let at: DateTime<Utc> = SENT_AT.parse().unwrap();
    let message = Message { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body: br#"{"test": 2432232314}"# };
    sender.send(&Url::parse(url).unwrap(), &secrets, message).await
}

pub(crate) fn failed(failure: Failure) -> Outcome {
    Outcome::Failed { failure, retry_after: None }
}

pub(crate) fn failed_for(failure: Failure, seconds: u64) -> Outcome {
    Outcome::Failed { failure, retry_after: Some(Duration::from_secs(seconds)) }
}
