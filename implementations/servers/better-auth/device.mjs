// The application's pages for a person with a user code: better-auth leaves them to it and has an API for what they do.
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";
import { pages } from "./pages.mjs";

const without = (error) => {
  if (error.name !== "APIError") throw error;
  return null;
};

// The handler of a server that has the library's API and these pages.
export function withPages(auth) {
  const headers = (request) => fromNodeHeaders(request.headers);
  const page = pages({
    async signIn(email, password) {
      const answer = await auth.api.signInEmail({ body: { email, password }, returnHeaders: true }).catch(without);
      return answer?.headers.getSetCookie() ?? null;
    },
    isSignedIn: (request) => auth.api.getSession({ headers: headers(request) }),
    // Looking a code up also ties it to who is signed in, and only they are told the client and may decide.
    async find(typed, request) {
      const query = { user_code: typed };
      const found = await auth.api.deviceVerify({ query, headers: headers(request) }).catch(without);
      if (found?.status !== "pending" || !found.client_id) return null;
      return { userCode: found.user_code, client: found.client_id, scope: found.scope };
    },
    async decide({ userCode }, allow, request) {
      const said = { body: { userCode }, headers: headers(request) };
      return Boolean(await (allow ? auth.api.deviceApprove(said) : auth.api.deviceDeny(said)).catch(without));
    },
  });
  const api = toNodeHandler(auth);
  return async (request, response) => (await page(request, response)) || api(request, response);
}
