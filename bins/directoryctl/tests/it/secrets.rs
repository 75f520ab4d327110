use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use entra_simulator::CLIENT_CERTIFICATE;

use crate::world::{World, registration};

const SECRET: &str = "Xq8~hunter2-Very.Secret_Value";

/// The secret as it could lie somewhere: plain, in hexadecimal, and in base64 at each of the three alignments.
fn forms(secret: &str) -> Vec<String> {
    let digits = secret.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    let mut forms = vec![secret.to_owned(), hex.to_uppercase(), hex];
    // Encoded from its first byte on, less the characters that its neighbours would change.
    for skip in 0..3 {
        let encoded = STANDARD_NO_PAD.encode(&secret.as_bytes()[skip..]);
        forms.push(encoded[..encoded.len() - 2].to_owned());
    }
    forms
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[test]
fn the_forms_are_found_where_they_are() {
    for padding in ["", "a", "ab"] {
        let encoded = STANDARD_NO_PAD.encode(format!("{padding}{SECRET}tail"));
        assert!(forms(SECRET).iter().any(|form| contains(encoded.as_bytes(), form)), "{encoded}");
    }
}

#[test]
fn a_client_secret_is_in_no_output_and_no_file() {
    let world = World::with_tenant().env("DIRECTORY_LOG", "trace");
    let mut said = vec![world.run_with_input(&registration("Acme"), &format!("{SECRET}\n")).done()];
    for args in [
        &["connection", "list"][..],
        &["connection", "show", "Acme"],
        &["connection", "show", "Acme", "--output", "table"],
        &["sync", "Acme", "--detach"],
    ] {
        said.push(world.run(args).done());
    }
    // Refused, with the secret at hand.
    let mut refused = registration("Acme");
    refused.extend(["--cloud", "moon"]);
    let refusal = world.run_with_input(&refused, SECRET);
    assert_eq!(refusal.code, 2);
    said.push(refusal);

    for form in forms(SECRET) {
        for one in &said {
            assert!(!one.stdout.contains(&form) && !one.stderr.contains(&form), "{form}");
        }
        for entry in fs::read_dir(world.path("data")).unwrap() {
            let path = entry.unwrap().path();
            assert!(!contains(&fs::read(&path).unwrap(), &form), "{form} in {}", path.display());
        }
    }
}

#[test]
fn a_private_key_is_in_no_output_and_no_file() {
    // Nothing here reaches a directory; should that ever change, nobody is there.
    let nobody = "http://127.0.0.1:1";
    let world = World::with_tenant()
        .env("DIRECTORY_LOG", "trace")
        .env("DIRECTORY_LOGIN_URL", nobody)
        .env("DIRECTORY_GRAPH_URL", nobody);
    let mut args = registration("Acme");
    args.pop();
    args.push("--certificate-stdin");
    let mut said = vec![world.run_with_input(&args, CLIENT_CERTIFICATE).done()];
    let replaced = ["connection", "set-secret", "Acme", "--certificate-stdin", "--no-verify"];
    said.push(world.run_with_input(&replaced, CLIENT_CERTIFICATE).done());
    // Refused, with the key at hand: no certificate beside it.
    let key = CLIENT_CERTIFICATE.split("-----BEGIN CERTIFICATE").next().unwrap();
    let refusal = world.run_with_input(&replaced, key);
    assert_eq!(refusal.code, 1);
    said.push(refusal);
    said.push(world.run(&["key", "rotate"]).done());
    said.push(world.run(&["connection", "show", "--output", "table"]).done());

    let line = key.lines().find(|line| line.len() > 40 && !line.starts_with('-')).unwrap();
    for one in &said {
        assert!(!one.stdout.contains(line) && !one.stderr.contains(line), "{one:?}");
    }
    for entry in fs::read_dir(world.path("data")).unwrap() {
        let path = entry.unwrap().path();
        assert!(!contains(&fs::read(&path).unwrap(), line), "{}", path.display());
    }
}

#[test]
fn a_token_is_in_no_file() {
    let world = World::with_tenant();
    let made = world.run(&["token", "create", "--role", "admin"]).json();
    let token = made["token"].as_str().unwrap();
    for form in forms(token) {
        for entry in fs::read_dir(world.path("data")).unwrap() {
            let path = entry.unwrap().path();
            assert!(!contains(&fs::read(&path).unwrap(), &form), "{form} in {}", path.display());
        }
    }
}
