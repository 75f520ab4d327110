use serde_json::{Value, json};

use crate::world::World;

fn page(world: &World, args: &[&str]) -> Value {
    world.run(&[&["events"], args].concat()).json()
}

#[test]
fn the_feed_is_read_from_any_place() {
    let world = World::with_tenant();
    world.connection("Acme", "a~secret");
    let empty = page(&world, &[]);
    assert_eq!((&empty["items"], &empty["hasMore"]), (&json!([]), &json!(false)));
    // Nobody works on them.
    let runs: Vec<Value> = (0..3)
        .map(|_| {
            let run = world.run(&["sync", "Acme", "--detach"]).json();
            world.run(&["run", "cancel", run["id"].as_str().unwrap()]).done();
            run["id"].clone()
        })
        .collect();
    let all = page(&world, &["--after", empty["nextCursor"].as_str().unwrap()]);
    let told: Vec<Value> = all["items"].as_array().unwrap().iter().map(|event| event["runId"].clone()).collect();
    assert_eq!(told, runs);
    let first = page(&world, &["--limit", "1"]);
    assert_eq!((&first["items"][0], &first["hasMore"]), (&all["items"][0], &json!(true)));
    let rest = page(&world, &["--after", first["nextCursor"].as_str().unwrap(), "--types", "run.finished,run.held"]);
    assert_eq!(rest["items"].as_array().unwrap()[..], all["items"].as_array().unwrap()[1..]);
    assert_eq!(page(&world, &["--after", "latest"])["items"], json!([]));
    let table = world.run(&["events", "--output", "table"]).done().stdout;
    for part in ["run.finished", "cancelled", runs[0].as_str().unwrap(), first["items"][0]["id"].as_str().unwrap()] {
        assert!(table.contains(part), "`{part}` in {table}");
    }
    world.run(&["events", "--types", "users"]).one_line(2);
    world.run(&["events", "--after", "evt_00000000000000000000000000000007"]).one_line(1);
}
