const TIMEOUT_MS = 20_000;

export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** Calls the API of a Worker as one key's holder does. An answer other than 2xx is an error that quotes it. */
export class ApiClient {
  readonly #base: string;
  readonly #key: string;

  constructor(origin: string, key: string) {
    this.#base = `${origin}/api/v1`;
    this.#key = key;
  }

  get(path: string): Promise<ApiAnswer> {
    return this.#call('GET', path);
  }

  put(path: string, body: unknown): Promise<ApiAnswer> {
    return this.#call('PUT', path, JSON.stringify(body));
  }

  post(path: string, body: unknown): Promise<ApiAnswer> {
    return this.#call('POST', path, JSON.stringify(body));
  }

  patch(path: string, body: unknown): Promise<ApiAnswer> {
    return this.#call('PATCH', path, JSON.stringify(body));
  }

  /** Posts a body exactly as it is written. */
  postText(path: string, text: string): Promise<ApiAnswer> {
    return this.#call('POST', path, text);
  }

  async #call(method: string, path: string, body?: string): Promise<ApiAnswer> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: { 'X-API-Key': this.#key, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`);
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }
}
