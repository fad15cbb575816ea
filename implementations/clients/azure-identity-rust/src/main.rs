//! A whole login with the device code flow of azure_identity, which knows Microsoft's host alone.
use azure_identity::device_code_flow;
use futures::StreamExt;

fn given(name: &str) -> Option<String> {
    std::env::var(format!("DEVICE_GRANT_{name}")).ok()
}

fn ended(error: Option<azure_core::Error>) -> ! {
    println!("device-grant: error azure_core");
    if let Some(error) = error {
        eprintln!("{error}");
    }
    std::process::exit(1)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client_id = given("CLIENT_ID").expect("DEVICE_GRANT_CLIENT_ID is set");
    let scope = given("SCOPE").unwrap_or_default();
    let scopes: Vec<&str> = scope.split_whitespace().collect();
    let device = device_code_flow::start(azure_core::new_http_client(), "tenant", &client_id, &scopes)
        .await
        .unwrap_or_else(|error| ended(Some(error)));
    println!("{}", device.message());
    // An answer that is pending comes out of the stream as an error; after any other the stream is at its end.
    let mut answers = device.stream();
    let mut last = None;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(tokens) => {
                println!("device-grant: token {}", tokens.access_token().secret());
                println!("device-grant: done");
                return;
            }
            Err(error) => last = Some(error),
        }
    }
    ended(last)
}
