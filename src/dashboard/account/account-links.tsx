import { paths } from '../frame/paths.ts';
import type { Visit } from '../frame/visit.ts';
import { t } from '../words/words.tsx';

/** The pages that are about the organization rather than about one webhook: most are for those who administer it. */
export function AccountLinks({ visit }: { visit: Visit }) {
  return (
    <nav class="links" aria-label={t('account.links')}>
      <a href={paths.usage}>{t('account.usage')}</a>
      {visit.can('admin') && (
        <>
          <a href={paths.alerts}>{t('account.alerts')}</a>
          <a href={paths.auditLog}>{t('account.auditLog')}</a>
          <a href={paths.sessions}>{t('account.sessions')}</a>
          <a href={paths.erasures}>{t('account.erasures')}</a>
        </>
      )}
    </nav>
  );
}
