import { listAllOrganizations } from '../api/platform/organization-list.ts';
import { Time } from '../dashboard/parts/time.tsx';
import { exactly } from '../dashboard/parts/wording.ts';
import { PLANS } from '../domain/plan.ts';
import { page } from './layout.tsx';
import { paths } from './paths.ts';
import type { OperatorContext } from './session.ts';

const ROWS = '50';

type Listed = Awaited<ReturnType<typeof find>>['data'][number];

/** `GET organizations`: all of them, or those that are looked for. */
export async function showOrganizations(c: OperatorContext): Promise<Response> {
  const { q, plan, cursor } = c.req.query();
  const { data, nextCursor } = await find(c, { q, plan, cursor });
  const further = nextCursor && new URLSearchParams({ ...(q && { q }), ...(plan && { plan }), cursor: nextCursor });
  return await page(
    c,
    { title: 'Organizations' },
    <>
      <h1>Organizations</h1>
      <search>
        <form class="list-filter" action={paths.organizations}>
          <label for="q">Name or id</label>
          <input id="q" type="search" name="q" value={q ?? ''} maxlength={200} autocomplete="off" spellcheck={false} />
          <label for="plan">Plan</label>
          <select id="plan" name="plan">
            <option value="">any</option>
            {PLANS.map((each) => (
              <option value={each} selected={each === plan}>
                {each}
              </option>
            ))}
          </select>
          <button type="submit">Find</button>
        </form>
      </search>
      <section class="card table-card" aria-label="Organizations">
        {data.length === 0 ? <p class="notice hint">None.</p> : <Table organizations={data} />}
        {further && (
          <nav class="pager" aria-label="Pages">
            <a href={`${paths.organizations}?${further}`}>Next page</a>
          </nav>
        )}
      </section>
    </>,
  );
}

/** An empty field of the form is one that says nothing. */
async function find(c: OperatorContext, { q, plan, cursor }: { q?: string; plan?: string; cursor?: string }) {
  const query = { ...(q?.trim() && { q }), ...(plan && { plan: plan as (typeof PLANS)[number] }), ...(cursor && { cursor }), limit: ROWS };
  return await c.get('operator').call(listAllOrganizations, { params: {}, query });
}

function Table({ organizations }: { organizations: readonly Listed[] }) {
  return (
    <table class="stacking">
      <thead>
        <tr>
          <th scope="col">Organization</th>
          <th scope="col" class="w17">
            Plan
          </th>
          <th scope="col" class="number w13">
            Webhooks
          </th>
          <th scope="col" class="number w13">
            Failing
          </th>
          <th scope="col" class="w21">
            Since
          </th>
        </tr>
      </thead>
      <tbody>
        {organizations.map(({ id, name, plan, webhooks, createdAt }) => (
          <tr>
            <th scope="row">
              <a href={paths.organization(id)}>{name}</a>
              <span class="hint"> {id}</span>
            </th>
            <td data-label="Plan">{plan}</td>
            <td data-label="Webhooks" class="number">
              <span>
                {exactly(webhooks.total)}
                {webhooks.disabled > 0 && <span class="hint"> ({exactly(webhooks.disabled)} disabled)</span>}
              </span>
            </td>
            <td data-label="Failing" class="number">
              {exactly(webhooks.failing)}
            </td>
            <td data-label="Since">
              <Time at={createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
