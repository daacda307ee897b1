// Where feeds are read: the server's address, and what every request carries (token, filter). It tries nothing twice.

/** What was answered in the place of what was asked for; `pause`, in milliseconds, is what the server asks for. */
class Refused extends Error {
  constructor(status, detail, retryAfter) {
    super(detail ?? `The server answered ${status}.`);
    this.status = status;
    this.pause = 1000 * retryAfter || 0;
  }
}

export class Source {
  constructor({ server, token, filter = {}, last = 50 }) {
    const base = new URL(server, globalThis.document?.baseURI);
    this.base = new URL(base.pathname.replace(/[/]?$/, "/"), base);
    this.token = token;
    this.last = last;
    this.filter = ["urgency", "tag", "subject"].map((name) => [name, filter[name]]);
    /** Sources of the same key give the same answers. */
    this.key = JSON.stringify([this.base, last, this.filter, token]);
  }

  /** An address below `v1/`. What is null is left out of its query. */
  address(path, query, filter = this.filter) {
    const url = new URL(`v1/${path}`, this.base);
    for (const [name, values] of [...Object.entries(query), ...filter]) {
      for (const value of [values ?? []].flat()) url.searchParams.append(name, value);
    }
    return url;
  }

  async open(url, options) {
    const headers = { ...options?.headers, ...(this.token && { authorization: `Bearer ${this.token}` }) };
    const answer = await fetch(url, { ...options, headers });
    if (answer.ok) return answer;
    const { detail } = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, detail, answer.headers.get("retry-after"));
  }

  async json(url, options) {
    return (await this.open(url, options)).json();
  }
}
