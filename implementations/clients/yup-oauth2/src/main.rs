//! A whole login with the DeviceFlowAuthenticator of yup-oauth2, which keeps its tokens in a file.
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use yup_oauth2::authenticator_delegate::{DeviceAuthResponse, DeviceFlowDelegate};
use yup_oauth2::{ApplicationSecret, DeviceFlowAuthenticator, Error};

fn given(name: &str) -> Option<String> {
    std::env::var(format!("DEVICE_GRANT_{name}")).ok()
}

fn needed(name: &str) -> String {
    given(name).unwrap_or_else(|| panic!("DEVICE_GRANT_{name} is not set"))
}

struct Shown;

impl DeviceFlowDelegate for Shown {
    fn present_user_code<'a>(
        &'a self,
        device: &'a DeviceAuthResponse,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        println!("device-grant: shows {} {}", device.user_code, device.verification_uri);
        Box::pin(async {})
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let secret = ApplicationSecret {
        client_id: needed("CLIENT_ID"),
        client_secret: given("CLIENT_SECRET").unwrap_or_default(),
        token_uri: needed("TOKEN_ENDPOINT"),
        ..Default::default()
    };
    let home = PathBuf::from(std::env::var("HOME").expect("HOME is set"));
    let authenticator = DeviceFlowAuthenticator::builder(secret)
        .device_code_url(needed("DEVICE_AUTHORIZATION_ENDPOINT"))
        .flow_delegate(Box::new(Shown))
        .persist_tokens_to_disk(home.join("tokens.json"))
        .build()
        .await
        .expect("an authenticator can be made");
    let scope = given("SCOPE").unwrap_or_default();
    let scopes: Vec<&str> = scope.split_whitespace().collect();
    match authenticator.token(&scopes).await {
        Ok(token) => println!("device-grant: token {}", token.token().unwrap_or_default()),
        Err(error) => {
            match &error {
                Error::AuthError(told) => println!("device-grant: error {}", told.error.as_str()),
                _ => println!("device-grant: error Error"),
            }
            eprintln!("{error:?}");
            std::process::exit(1);
        }
    }
    println!("device-grant: done");
}
