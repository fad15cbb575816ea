//! A whole login with the device flow of octocrab, whose paths are GitHub's.
use octocrab::Octocrab;
use secrecy::{ExposeSecret, SecretString};

fn given(name: &str) -> Option<String> {
    std::env::var(format!("DEVICE_GRANT_{name}")).ok()
}

fn needed(name: &str) -> String {
    given(name).unwrap_or_else(|| panic!("DEVICE_GRANT_{name} is not set"))
}

fn ended(error: octocrab::Error) -> ! {
    println!("device-grant: error Octocrab");
    eprintln!("{error}");
    std::process::exit(1)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // The header is what the documentation of octocrab asks for: without it GitHub answers with a form.
    let crab = Octocrab::builder()
        .base_uri(needed("ENDPOINT"))
        .expect("a URL")
        .add_header("accept".parse().expect("a name of a header"), "application/json".to_owned())
        .build()
        .unwrap_or_else(|error| ended(error));
    let client_id = SecretString::from(needed("CLIENT_ID"));
    let scope = given("SCOPE").unwrap_or_default();
    let device = crab
        .authenticate_as_device(&client_id, scope.split_whitespace())
        .await
        .unwrap_or_else(|error| ended(error));
    println!("device-grant: shows {} {}", device.user_code, device.verification_uri);
    let tokens = device.poll_until_available(&crab, &client_id).await.unwrap_or_else(|error| ended(error));
    let refresh = tokens.refresh_token.as_ref().map_or("", |token| token.expose_secret());
    println!("device-grant: token {} {refresh}", tokens.access_token.expose_secret());
    println!("device-grant: done");
}
