import type { WebhookRow } from '../db/webhooks.ts';
import { Banners } from './attention/banners.tsx';
import { outlookOf } from './attention/outlook.ts';
import { CopyButton } from './copyable.tsx';
import { paths } from './paths.ts';
import { SAMPLES } from './samples.ts';
import { Recipes } from './setup/recipe-list.tsx';
import { recipeOf } from './setup/recipes.ts';
import type { PageContext } from './visit.ts';
import { webhookOf, webhookPage } from './webhook-page.tsx';

/** Which of the two signatures a sample checks. */
const HEADERS = {
  'webhook-signature': 'It covers the time of the delivery too, so that nobody can send you an old one again. Best for new code.',
  'X-Bullseye-Signature': 'It covers the body alone. Shorter to check, and what many tools expect.',
} as const;
type Header = keyof typeof HEADERS;

/** `GET <webhook>/verify`: how a receiver tells that a delivery is from us; with `for=developers`, the code that does it. */
export async function showVerify(c: PageContext): Promise<Response> {
  const visit = c.get('visit');
  const webhook = webhookOf(c);
  const outlook = await outlookOf(c, webhook);
  const isForDevelopers = c.req.query('for') === 'developers';
  const header: Header = c.req.query('header') === 'X-Bullseye-Signature' ? 'X-Bullseye-Signature' : 'webhook-signature';
  return await webhookPage(
    c,
    { webhook, tab: 'verify', title: 'Signatures', outlook },
    <>
      <Banners webhook={webhook} visit={visit} outlook={outlook} />
      <nav class="switch" aria-label="For whom">
        <a href={paths.webhook(webhook.id, 'verify')} aria-current={isForDevelopers ? undefined : 'true'}>
          For everybody
        </a>
        <a href={paths.webhook(webhook.id, 'verify?for=developers')} aria-current={isForDevelopers ? 'true' : undefined}>
          For developers
        </a>
      </nav>
      {isForDevelopers ? <ForDevelopers webhook={webhook} header={header} /> : <ForEverybody webhook={webhook} />}
    </>,
  );
}

function ForEverybody({ webhook }: { webhook: WebhookRow }) {
  return (
    <div class="beside">
      <section class="card prose" aria-labelledby="verify-title">
        <h2 id="verify-title">How you know that a delivery is from us</h2>
        <p>
          Anybody who learns your endpoint’s URL could send something to it that looks like ours. So each delivery carries a signature, made
          with the secret that only you and we have. Whoever receives it can check the signature.
          {webhook.secret === null && <strong> This webhook has no secret, so its deliveries are not signed. Set one in Settings.</strong>}
        </p>
        <p>
          Tools such as Zapier or Slack cannot check it. That is no harm: keep their URL to yourself. An endpoint of your own should check
          it. The code for that is under <a href={paths.webhook(webhook.id, 'verify?for=developers')}>For developers</a>, to copy.
        </p>
      </section>
      <aside>
        <Recipes title="Which tools can check it" open={recipeOf(webhook.url)} />
      </aside>
    </div>
  );
}

function ForDevelopers({ webhook, header }: { webhook: WebhookRow; header: Header }) {
  return (
    <>
      <section class="card prose" aria-labelledby="headers-title">
        <h2 id="headers-title">Two signatures, of which you check one</h2>
        <ul>
          <li>
            <code>webhook-signature</code>, with <code>webhook-id</code> and <code>webhook-timestamp</code>, follows{' '}
            <a href="https://www.standardwebhooks.com" target="_blank" rel="noopener noreferrer">
              Standard Webhooks
            </a>
            : its libraries, and Svix’s, check our deliveries as they are.
          </li>
          <li>
            <code>X-Bullseye-Signature</code> is the HMAC-SHA256 of the raw body in lower-case hex. Its key is the secret as text, with
            “whsec_” where it begins so.
          </li>
        </ul>
        <p>
          Check it over the bytes as they arrived, before any JSON is parsed, and compare in constant time. A delivery can come more than
          once: its <code>webhook-id</code> stays the same.
        </p>
      </section>
      <section class="card samples" aria-labelledby="samples-title">
        <div class="section-head">
          <h2 id="samples-title">In your language</h2>
          <nav class="switch" aria-label="Header">
            {Object.keys(HEADERS).map((name) => (
              <a
                href={paths.webhook(webhook.id, `verify?for=developers&header=${name}`)}
                aria-current={name === header ? 'true' : undefined}
              >
                {name}
              </a>
            ))}
          </nav>
        </div>
        <p class="hint">{HEADERS[header]} Each sample needs the standard library of its language alone.</p>
        {SAMPLES.map(({ key, language, code, bodyCode }, index) => (
          <SampleCode id={key} language={language} code={header === 'webhook-signature' ? code : bodyCode} open={index === 0} />
        ))}
      </section>
    </>
  );
}

/** One is open at a time: the browser sees to that for details of the same name. */
function SampleCode({ id, language, code, open }: { id: string; language: string; code: string; open: boolean }) {
  return (
    <details name="sample" open={open} id={`sample-${id}`}>
      <summary>{language}</summary>
      <div class="with-copy">
        <CopyButton text={code} label={`Copy the code for ${language}`} />
      </div>
      <pre tabindex={0}>{code}</pre>
    </details>
  );
}
