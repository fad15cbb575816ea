//! One operation of aws-sdk-ssooidc a run.
use aws_config::BehaviorVersion;
use aws_sdk_ssooidc::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ssooidc::operation::create_token::builders::CreateTokenFluentBuilder;
use aws_sdk_ssooidc::Client;

fn needed(name: &str) -> String {
    let name = format!("DEVICE_GRANT_{name}");
    std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn ended<E: ProvideErrorMetadata, R>(error: SdkError<E, R>) -> ! {
    println!("device-grant: error {}", error.code().unwrap_or("SdkError"));
    // Not as `{error:?}`: that would be the whole answer, with what is secret in it.
    eprintln!("{error}: {}", error.message().unwrap_or_default());
    std::process::exit(1)
}

async fn token(request: CreateTokenFluentBuilder) {
    let answer = request
        .client_id(needed("CLIENT_ID"))
        .client_secret(needed("CLIENT_SECRET"))
        .send()
        .await
        .unwrap_or_else(|error| ended(error));
    println!(
        "device-grant: token {} {}",
        answer.access_token().unwrap_or_default(),
        answer.refresh_token().unwrap_or_default()
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // The operations are public: nobody who signs in has credentials to sign requests with.
    let config = aws_config::defaults(BehaviorVersion::latest())
        .region("us-east-1")
        .endpoint_url(needed("ENDPOINT"))
        .no_credentials()
        .load()
        .await;
    let client = Client::new(&config);
    match needed("OPERATION").as_str() {
        "register" => {
            let request = client.register_client().client_name("device-grant").client_type("public");
            let answer =
                request.scopes("sso:account:access").send().await.unwrap_or_else(|error| ended(error));
            println!("device-grant: registered {}", answer.client_id().unwrap_or_default());
        }
        "start" => {
            let request = client
                .start_device_authorization()
                .client_id(needed("CLIENT_ID"))
                .client_secret(needed("CLIENT_SECRET"))
                .start_url(needed("START_URL"));
            let answer = request.send().await.unwrap_or_else(|error| ended(error));
            println!(
                "device-grant: shows {} {}",
                answer.user_code().unwrap_or_default(),
                answer.verification_uri().unwrap_or_default()
            );
            println!("device-grant: started {}", answer.device_code().unwrap_or_default());
        }
        "token" => {
            let grant_type = "urn:ietf:params:oauth:grant-type:device_code";
            token(client.create_token().grant_type(grant_type).device_code(needed("DEVICE_CODE"))).await;
        }
        "refresh" => {
            token(client.create_token().grant_type("refresh_token").refresh_token(needed("REFRESH_TOKEN"))).await;
        }
        other => {
            println!("device-grant: unsupported {other}");
            std::process::exit(75);
        }
    }
    println!("device-grant: done");
}
