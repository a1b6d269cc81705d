import { Banners } from './attention/banners.tsx';
import { outlookOf } from './attention/outlook.ts';
import { CopyButton } from './copyable.tsx';
import { planAllows } from './plan-notice.tsx';
import { SAMPLES, type Sample } from './samples.ts';
import type { PageContext } from './visit.ts';
import { SendTest, webhookOf, webhookPage } from './webhook-page.tsx';

/** One is open at a time: the browser sees to that for details of the same name. */
function SampleCode({ sample: { key, language, code }, open }: { sample: Sample; open: boolean }) {
  return (
    <details name="sample" open={open} id={`sample-${key}`}>
      <summary>{language}</summary>
      <div class="with-copy">
        <span class="hint">Your secret, the request's headers and its raw body go in.</span>
        <CopyButton text={code} label={`Copy the code for ${language}`} />
      </div>
      <pre tabindex={0}>{code}</pre>
    </details>
  );
}

/** `GET <webhook>/verify`: how a receiver tells that a delivery is from us. Where saving a new webhook leads. */
export async function showVerify(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const outlook = await outlookOf(c, webhook);
  return await webhookPage(
    c,
    { webhook, tab: 'verify', title: 'Verify signatures', outlook },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
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
            <a href="https://www.standardwebhooks.com" target="_blank" rel="noopener noreferrer">
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
      <section class="card samples" aria-labelledby="samples-title">
        <h2 id="samples-title">In your language</h2>
        <p class="hint">To copy: each needs the language's standard library alone.</p>
        {SAMPLES.map((sample, index) => (
          <SampleCode sample={sample} open={index === 0} />
        ))}
      </section>
    </>,
  );
}
