"""Valid members by dialect and operation, of which the tests of malformed requests draw malformed ones."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

from device_grant.protocol.exchange import DEVICE_CODE_GRANT, Operation

AWS, RFC = "aws-sso-oidc", "rfc8628"
profile = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    max_examples=20,
)
SECRET = "s3cretS3cret." + "eyJ" * 300
CODE = "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"
BASES = {
    (AWS, Operation.REGISTRATION): {"clientName": "conformance", "clientType": "public"},
    (AWS, Operation.DEVICE_AUTHORIZATION): {
        "clientId": "Client-1",
        "clientSecret": SECRET,
        "startUrl": "https://example.awsapps.com/start",
    },
    (AWS, Operation.TOKEN): {
        "clientId": "Client-1",
        "clientSecret": SECRET,
        "grantType": DEVICE_CODE_GRANT,
        "deviceCode": CODE,
    },
    (RFC, Operation.REGISTRATION): {
        "client_name": "conformance",
        "grant_types": [DEVICE_CODE_GRANT],
        "token_endpoint_auth_method": "none",
    },
    (RFC, Operation.DEVICE_AUTHORIZATION): {"client_id": "Client-1", "client_secret": SECRET, "scope": "openid"},
    (RFC, Operation.TOKEN): {
        "client_id": "Client-1",
        "client_secret": SECRET,
        "grant_type": DEVICE_CODE_GRANT,
        "device_code": CODE,
    },
}
