// One operation of SSOOIDC from Soto.
import Foundation
import SotoSSOOIDC

func env(_ name: String) -> String {
    ProcessInfo.processInfo.environment["DEVICE_GRANT_" + name] ?? ""
}

func say(_ words: String...) {
    print("device-grant:", words.joined(separator: " "))
}

@main
struct Drive {
    let service: SSOOIDC

    static func main() async throws {
        // The operations are public: with credentials of the environment Soto would sign them.
        let client = AWSClient(credentialProvider: .empty)
        let drive = Drive(service: SSOOIDC(client: client, region: .useast1, endpoint: env("ENDPOINT")))
        var status: Int32 = 0
        do {
            try await drive.run(env("OPERATION"))
            say("done")
        } catch let error as AWSErrorType {
            say("error", error.errorCode)
            status = 1
        } catch {
            say("error", String(describing: type(of: error)))
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            status = 1
        }
        try await client.shutdown()
        exit(status)
    }

    func run(_ operation: String) async throws {
        switch operation {
        case "register":
            let answer = try await service.registerClient(
                .init(clientName: "device-grant", clientType: "public", scopes: ["sso:account:access"])
            )
            say("registered", answer.clientId ?? "")
        case "start":
            let answer = try await service.startDeviceAuthorization(
                .init(clientId: env("CLIENT_ID"), clientSecret: env("CLIENT_SECRET"), startUrl: env("START_URL"))
            )
            say("shows", answer.userCode ?? "", answer.verificationUri ?? "")
            say("started", answer.deviceCode ?? "")
        case "token":
            try await create(
                .init(
                    clientId: env("CLIENT_ID"),
                    clientSecret: env("CLIENT_SECRET"),
                    deviceCode: env("DEVICE_CODE"),
                    grantType: "urn:ietf:params:oauth:grant-type:device_code"
                )
            )
        case "refresh":
            try await create(
                .init(
                    clientId: env("CLIENT_ID"),
                    clientSecret: env("CLIENT_SECRET"),
                    grantType: "refresh_token",
                    refreshToken: env("REFRESH_TOKEN")
                )
            )
        default:
            say("unsupported", operation)
            exit(75)
        }
    }

    func create(_ request: SSOOIDC.CreateTokenRequest) async throws {
        let answer = try await service.createToken(request)
        say("token", answer.accessToken ?? "", answer.refreshToken ?? "")
    }
}
