import { Banners } from './banner.tsx';
import { outlookOf } from './overview-page.tsx';
import { planAllows } from './plan-notice.tsx';
import type { PageContext } from './visit.ts';
import { SendTest, webhookOf, webhookPage } from './webhook-page.tsx';

/** `GET <webhook>/verify`: how a receiver tells that a delivery is from us. Where saving a new webhook leads. */
export async function showVerify(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  return await webhookPage(
    c,
    { webhook, tab: 'verify', title: 'Verify signatures' },
    <>
      <Banners webhook={webhook} visit={visit} outlook={await outlookOf(c, webhook)} />
      <section class="card prose" aria-labelledby="verify-title">
        <h2 id="verify-title">Tell our deliveries from forged ones</h2>
        <p>
          Anybody can send a POST to your endpoint. Each delivery of ours carries a signature that only somebody with the webhook's secret
          can make, so verify it before you trust a body.
          {webhook.secret === null && (
            <strong> This webhook has no secret yet, so its deliveries are not signed. Set one in Settings.</strong>
          )}
        </p>
        <ul>
          <li>
            <code>X-Bullseye-Signature</code> is the HMAC-SHA256 of the raw body in lower-case hex, keyed with the secret as text.
          </li>
          <li>
            <code>webhook-id</code>, <code>webhook-timestamp</code> and <code>webhook-signature</code> follow{' '}
            <a href="https://www.standardwebhooks.com" rel="noopener noreferrer">
              Standard Webhooks
            </a>
            : its libraries, and Svix's, verify our deliveries as they are.
          </li>
        </ul>
        <p>
          Compute it over the bytes as they arrived, before any JSON is parsed, and compare in constant time. A delivery can come more than
          once: <code>webhook-id</code> stays the same.
        </p>
        {visit.can('write') && planAllows(visit) && <SendTest webhook={webhook} primary={false} />}
      </section>
    </>,
  );
}
