use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use crate::world::World;

#[test]
fn a_wrong_setting_is_one_line_and_code_2() {
    for (name, value) in [
        ("DIRECTORY_DATABASE_URL", "mysql://u:hunter2@localhost/d"),
        ("DIRECTORY_DATABASE_URL", "postgres://u:hunter2@localhost:port/d"),
        ("DIRECTORY_ENCRYPTION_KEYS", "hunter2"),
        ("DIRECTORY_ENCRYPTION_KEY_FILE", "nowhere.keys"),
        ("DIRECTORY_LOGIN_URL", "http://login.example"),
        ("DIRECTORY_LOG", "=,="),
        ("DIRECTORY_LOG_FORMAT", "xml"),
    ] {
        let line = World::new().env(name, value).run(&["tenant", "list"]).one_line(2);
        assert!(!line.contains("hunter2"), "{line}");
        let named = line.contains(name) || line.contains(value);
        assert!(named, "{name}: {line}");
    }
    let world = World::new();
    assert!(world.run(&["--config", "nowhere.toml", "tenant", "list"]).one_line(2).contains("nowhere.toml"));
    fs::write(world.path("directory.toml"), "databse_url = 'sqlite://x.db'").unwrap();
    assert!(world.run(&["tenant", "list"]).one_line(2).contains("`databse_url`"));
}

#[test]
fn postgres_without_a_key_is_refused_before_it_is_reached() {
    let world = World::new().env("DIRECTORY_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/d");
    let line = world.run(&["migrate"]).one_line(2);
    assert!(line.contains("directoryctl key generate") && !line.contains("hunter2"), "{line}");
}

#[test]
fn an_open_key_file_is_refused() {
    let world = World::with_tenant();
    fs::set_permissions(world.path("data/encryption.keys"), Permissions::from_mode(0o644)).unwrap();
    assert!(world.run(&["tenant", "list"]).one_line(2).contains("chmod 600"));
}

#[test]
fn a_lost_key_file_is_missed_and_not_replaced() {
    let world = World::with_tenant();
    fs::rename(world.path("data/encryption.keys"), world.path("kept.keys")).unwrap();
    assert!(world.run(&["tenant", "list"]).one_line(2).contains("put the key file back"));
    assert!(!world.path("data/encryption.keys").exists());
    fs::rename(world.path("kept.keys"), world.path("data/encryption.keys")).unwrap();
    world.run(&["tenant", "list"]).done();
}

#[test]
fn a_generated_key_is_taken_from_the_environment_and_no_file_is_made() {
    let key = World::new().run(&["key", "generate"]).done().stdout;
    let world = World::new().env("DIRECTORY_ENCRYPTION_KEYS", key.trim());
    world.run(&["tenant", "create", "acme"]).done();
    world.connection("Acme", "the-secret");
    assert!(!world.path("data/encryption.keys").exists());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let world = World::new().env("DIRECTORY_DATABASE_URL", "sqlite://environment/directory.db");
    fs::write(world.path("directory.toml"), "database_url = 'sqlite://file/directory.db'").unwrap();
    world.run(&["migrate"]).done();
    world.run(&["migrate", "--database-url", "sqlite:flag/directory.db"]).done();
    let made = |folder: &str| world.path(folder).join("directory.db").exists();
    assert_eq!((made("environment"), made("flag"), made("file"), made("data")), (true, true, false, false));
    assert!(world.path("flag/encryption.keys").exists(), "the key lies beside its database");
}
