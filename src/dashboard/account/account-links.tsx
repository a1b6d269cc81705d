import { paths } from '../paths.ts';
import type { Visit } from '../visit.ts';

/** The pages that are about the organization rather than about one webhook: for those who administer it. */
export function AccountLinks({ visit }: { visit: Visit }) {
  if (!visit.can('admin')) return null;
  return (
    <nav class="links" aria-label="Organization">
      <a href={paths.alerts}>Alerts</a>
      <a href={paths.auditLog}>Audit log</a>
      <a href={paths.sessions}>Who is signed in</a>
      <a href={paths.erasures}>Erase a person</a>
    </nav>
  );
}
