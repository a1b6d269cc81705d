use http::HeaderMap;
use standardwebhooks::Webhook;
use std::{env, io::Read, process::exit};

/// The secret and the three headers are arguments, the body comes on standard input. It exits with 0 if the delivery verifies.
fn main() {
    let given: Vec<String> = env::args().collect();
    let mut headers = HeaderMap::new();
    for (name, value) in ["webhook-id", "webhook-timestamp", "webhook-signature"].into_iter().zip(&given[2..]) {
        headers.insert(name, value.parse().expect("the value of a header"));
    }
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body).expect("a body");
    let verified = Webhook::new(&given[1]).and_then(|webhook| webhook.verify(&body, &headers));
    exit(if verified.is_ok() { 0 } else { 1 });
}
