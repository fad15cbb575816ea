//! The token provider of aws-config for a session of the AWS CLI: it refreshes the cached token when that has expired.
use aws_config::sso::SsoTokenProvider;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::provider::token::ProvideToken;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let endpoint = std::env::var("DEVICE_GRANT_ENDPOINT").expect("DEVICE_GRANT_ENDPOINT is set");
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region("us-east-1")
        .endpoint_url(endpoint)
        .no_credentials()
        .load()
        .await;
    let provider = SsoTokenProvider::builder()
        .configure(&config)
        .session_name("device-grant")
        .start_url("https://example.awsapps.com/start")
        .region(Region::new("us-east-1"))
        .build()
        .await;
    match provider.provide_token().await {
        Ok(token) => println!("device-grant: token {}", token.token()),
        Err(error) => {
            println!("device-grant: error TokenError");
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
    println!("device-grant: done");
}
