//! Reading a page of users, as large as Graph sends them.
//!
//! `cargo bench -p provider-entra --features fuzzing`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use provider_entra::fuzzing;
use serde_json::json;

const USERS: u32 = 999;

/// As Graph writes it; every twentieth name has letters that JSON may escape.
fn body() -> Vec<u8> {
    let users: Vec<_> = (0..USERS)
        .map(|number| {
            let name =
                if number % 20 == 0 { format!("Zoë \"Z\" Müller {number}") } else { format!("Person {number}") };
            json!({
                "id": format!("1f6a2c0e-0b1d-4c58-9b1e-{number:012x}"),
                "displayName": name,
                "givenName": "Person",
                "surname": format!("Number {number}"),
                "mail": format!("person.number{number}@example.com"),
                "userPrincipalName": format!("person.number{number}@example.com"),
                "accountEnabled": number % 50 != 0,
                "userType": "Member",
            })
        })
        .collect();
    let page = json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(id,displayName)",
        "@odata.nextLink": "https://graph.microsoft.com/v1.0/users?$top=999&$skiptoken=RFNwdAIAAQAAAB",
        "value": users,
    });
    page.to_string().into_bytes()
}

fn parser(criterion: &mut Criterion) {
    let body = body();
    let mut group = criterion.benchmark_group("parser");
    group.throughput(Throughput::Elements(u64::from(USERS)));
    group.bench_function("a page of 999 users", |bencher| {
        bencher.iter(|| black_box(fuzzing::page(black_box(&body)).map(|page| page.entries.len())));
    });
    group.finish();
}

criterion_group!(benches, parser);
criterion_main!(benches);
