import type { Customer } from '../support/customer.ts';

const PAGES = '/settings/integrations/webhooks';

/** Reads pages of the dashboard as a browser does, but for what they look like, and says how long their HTML takes. */
export class PageReader {
  readonly #origin: string;
  readonly #cookie: string;

  private constructor(origin: string, cookie: string) {
    this.#origin = origin;
    this.#cookie = cookie;
  }

  static async signIn(origin: string, customer: Customer): Promise<PageReader> {
    const { body } = await customer.producer.post(`/organization/${customer.organizationId}/dashboard-links`, { scope: 'admin' });
    const { url } = body as { url: string };
    const response = await fetch(url, { method: 'POST', redirect: 'manual', headers: { Origin: origin } });
    await response.body?.cancel();
    const [cookie = ''] = response.headers.getSetCookie().map((each) => each.split(';')[0] ?? '');
    if (response.status !== 303) throw new Error(`signing in was answered with ${response.status}`);
    return new PageReader(origin, cookie);
  }

  /** @param path below the list of webhooks, or whole, as a link has it */
  async read(path: string): Promise<{ html: string; ms: number }> {
    const url = `${this.#origin}${path.startsWith(PAGES) ? '' : PAGES}${path}`;
    const begunAt = performance.now();
    const response = await fetch(url, { headers: { Cookie: this.#cookie } });
    const html = await response.text();
    if (response.status !== 200) throw new Error(`${path} was answered with ${response.status}`);
    return { html, ms: performance.now() - begunAt };
  }

  /** The median of several times, after one that is not counted. */
  async medianMs(path: string, times: number): Promise<number> {
    await this.read(path);
    const all: number[] = [];
    for (let each = 0; each < times; each++) all.push((await this.read(path)).ms);
    return all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
  }
}
