import java.util.Map;
import java.util.Set;

import jakarta.servlet.http.HttpServletRequest;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.OAuth2AuthenticationException;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.web.authentication.AuthenticationConverter;

/** Clients without a secret: the library itself takes those of the authorization code grant alone, by their PKCE. */
record PublicClients(RegisteredClientRepository clients) implements AuthenticationConverter, AuthenticationProvider {
	private static final Set<String> PATHS = Set.of("/oauth2/device_authorization", "/oauth2/token");

	private static final class Claim extends OAuth2ClientAuthenticationToken {
		Claim(String id) {
			super(id, ClientAuthenticationMethod.NONE, null, Map.of());
		}
	}

	@Override
	public Authentication convert(HttpServletRequest request) {
		boolean mine = PATHS.contains(request.getRequestURI())
				&& !AuthorizationGrantType.AUTHORIZATION_CODE.getValue().equals(request.getParameter("grant_type"));
		String[] ids = request.getParameterValues("client_id");
		if (!mine || ids == null || request.getHeader("Authorization") != null
				|| request.getParameter("client_secret") != null) {
			return null;
		}
		if (ids.length != 1 || ids[0].isBlank()) {
			throw new OAuth2AuthenticationException("invalid_request");
		}
		return new Claim(ids[0]);
	}

	@Override
	public Authentication authenticate(Authentication claim) {
		RegisteredClient client = this.clients.findByClientId(claim.getName());
		if (client == null || !client.getClientAuthenticationMethods().contains(ClientAuthenticationMethod.NONE)) {
			throw new OAuth2AuthenticationException("invalid_client");
		}
		return new OAuth2ClientAuthenticationToken(client, ClientAuthenticationMethod.NONE, null);
	}

	@Override
	public boolean supports(Class<?> type) {
		return Claim.class.isAssignableFrom(type);
	}
}
