use crate::world::{World, registration};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn each_misuse_is_one_line_and_code_2() {
    let world = World::with_tenant();
    for (args, expected) in [
        (&["frobnicate"][..], "frobnicate"),
        (&["tenant", "create"], "<SLUG>"),
        (&["tenant", "create", "Not A Slug"], "slug"),
        (&["tenant", "create", "ok", "--name", " "], "name"),
        (&["tenant", "list", "--output", "xml"], "xml"),
        (&["token", "create"], "--role"),
        (&["token", "create", "--role", "god"], "god"),
        (&["token", "create", "--role", "admin", "--expires-in", "soon"], "90d"),
        (&["token", "revoke", "x"], "'x'"),
        (&["key", "generate", "--kid", "a:b"], "key id"),
        (&["connection", "add", "entra", "--display-name", "x"], "--directory-id"),
        (&["sync"], "<CONNECTION>"),
        (&["sync", "x", "--resume", "--full"], "--full"),
        (&["run", "show", "x"], "'x'"),
        (&["run", "changes", ID, "--action", "explode"], "explode"),
        (&["run", "changes", ID, "--cursor", "x"], "'x'"),
        (&["run", "list", "--limit", "0"], "--limit"),
        (&["run", "approve", ID], "--digest"),
        (&["run", "approve", ID, "--digest", "x"], "--digest must be"),
        (&["run", "approve", ID, "--digest", "x", "--changes", "1-"], "1,4,7-12"),
        (&["run", "approve", ID, "--digest", "x", "--except", "1-4000000000"], "100000"),
        (&["run", "reject", "x"], "'x'"),
        (&["run", "cancel"], "<RUN>"),
        (&["connection", "update", "x"], "nothing to change"),
        (&["connection", "preview", "x"], "nothing to try"),
        (&["connection", "delete", "x"], "--yes"),
        (&["connection", "set-secret"], "<CONNECTION>"),
        (&["connection", "set-secret", "x", "--certificate-stdin", "--federated-token"], "--federated-token"),
        (&["connection", "set-secret", "x", "--client-secret", "s"], "--client-secret"),
        (&["key", "rotate", "k1"], "'k1'"),
        (&["connection", "ignore", "x", ""], "directory user"),
        (&["user", "link", "a@b.example", "--connection", "x"], "--external-id"),
        (&["user", "unlink", "nobody"], "nobody"),
        (&["user", "show", "nobody"], "nobody"),
        (&["user", "list", "--email", "nobody"], "e-mail"),
        (&["completions", "tcsh5"], "tcsh5"),
        (&["tenant", "list", "--client-secret", "x"], "--client-secret"),
    ] {
        let line = world.run(args).one_line(2);
        assert!(line.contains(expected), "{args:?}: {line}");
    }
}

#[test]
fn what_the_api_would_refuse_is_refused_by_its_flag() {
    let world = World::with_tenant();
    for (flag, value) in [
        ("--display-name", " "),
        ("--directory-id", "acme.example"),
        ("--client-id", "x"),
        ("--group-id", "x"),
        ("--cloud", "moon"),
        ("--default-role", "a b"),
        ("--schedule", "now and then"),
        ("--client-secret-expires-at", "soon"),
        ("--client-secret-expires-at", "2020-01-31T00:00:00Z"),
    ] {
        let mut args = registration("Acme");
        match args.iter().position(|&arg| arg == flag) {
            Some(at) => args[at + 1] = value,
            None => args.extend([flag, value]),
        }
        let line = world.run_with_input(&args, "the-secret").one_line(2);
        assert!(line.contains(flag), "{line}");
    }
    assert_eq!(world.run(&["connection", "list"]).json()["items"].as_array().unwrap().len(), 0);
}

#[test]
fn a_missing_secret_is_misuse() {
    let world = World::with_tenant();
    let args = registration("Acme");
    for empty in ["", "\n"] {
        assert!(world.run_with_input(&args, empty).one_line(2).contains("secret"));
    }
    let without_flag = &args[..args.len() - 1];
    assert!(world.run(without_flag).one_line(2).contains("--client-secret-stdin"));
}

#[test]
fn a_group_without_a_command_shows_its_help() {
    let said = World::new().run(&["tenant"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("create") && said.stderr.contains("list"), "{said:?}");
}
