// Where feeds are read: the server's address, and what every request to it carries (token, filter). It keeps nothing
// and tries nothing twice.

/** A request that the server answered, but not with what was asked for. */
export class Refused extends Error {
  constructor(status, pause, detail) {
    super(detail || `The server answered ${status}.`);
    this.status = status;
    /** How long it asks to wait, in milliseconds. */
    this.pause = pause;
  }
}

export class Source {
  constructor({ server, token = null, filter = {}, last = 50 }) {
    const base = new URL(server, globalThis.document?.baseURI);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    this.base = new URL("v1/", base);
    this.token = token;
    this.last = last;
    this.filter = ["urgency", "tag", "subject"].flatMap((name) => [filter[name] ?? []].flat().map((one) => [name, String(one)]));
  }

  /** Sources of the same key give the same answers. */
  get key() {
    return JSON.stringify([this.base.href, this.last, [...this.filter].sort(), this.token]);
  }

  /** An address below `v1/`; what is null is left out of its query. */
  address(path, query = {}, filter = this.filter) {
    const url = new URL(path, this.base);
    for (const [name, values] of [...Object.entries(query), ...filter]) {
      for (const value of [values ?? []].flat()) url.searchParams.append(name, value);
    }
    return url;
  }

  async open(url, { headers = {}, ...options } = {}) {
    const rights = this.token ? { authorization: `Bearer ${this.token}` } : {};
    const answer = await fetch(url, { ...options, headers: { ...headers, ...rights } });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, 1000 * (Number(answer.headers.get("retry-after")) || 0), problem.detail);
  }

  async json(url, options) {
    return (await this.open(url, { headers: { accept: "application/json" }, ...options })).json();
  }
}
