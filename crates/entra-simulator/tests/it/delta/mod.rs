//! Delta queries.

mod groups;
mod pages;
mod tokens;
mod users;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, World};

/// A round of a delta query, followed to its end.
struct Round {
    objects: Vec<Value>,
    pages: usize,
    /// The delta link.
    link: String,
}

impl World {
    async fn round(&self, start: &str) -> Round {
        self.round_preferring(start, "odata.maxpagesize=1").await
    }

    async fn minimal_round(&self, start: &str) -> Round {
        self.round_preferring(start, "return=minimal").await
    }

    async fn round_preferring(&self, start: &str, preference: &str) -> Round {
        let (mut objects, mut pages, mut link) = (Vec::new(), 0, start.to_owned());
        loop {
            let request = self.request(&link).header("Prefer", preference);
            let page = Answer::read(request.send().await.expect("an answer")).await;
            objects.extend_from_slice(page.value());
            pages += 1;
            link = match (page.next(), page.delta()) {
                (Some(next), None) => next.to_owned(),
                (None, Some(delta)) => return Round { objects, pages, link: delta.to_owned() },
                both => panic!("a page has one link: {both:?}"),
            };
        }
    }

    /// A delta link from which on the changes are followed.
    async fn delta_from_now(&self, path: &str) -> String {
        let round = self.round(&format!("{path}&$deltatoken=latest")).await;
        assert_eq!((round.objects.len(), round.pages), (0, 1));
        round.link
    }

    async fn page_delta(&self, objects: usize, members: usize) {
        self.command(Method::PUT, "/delta", Some(json!({"objects": objects, "members": members}))).await;
    }
}
