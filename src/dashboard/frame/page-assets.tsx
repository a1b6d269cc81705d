import { t } from '../words/words.tsx';
import { paths } from './paths.ts';

/** The styles and scripts of every page, as its head names them. */
export function PageAssets() {
  return (
    <>
      <link rel="icon" href="/favicon.svg" />
      <link rel="stylesheet" href="/dashboard-assets/dashboard.css" />
      <link rel="stylesheet" href={paths.theme} />
      <script src="/dashboard-assets/idiomorph.js" defer />
      <script src="/dashboard-assets/dashboard.js" defer />
      <script src="/dashboard-assets/keys.js" defer />
      <script src="/dashboard-assets/chart-tips.js" defer />
    </>
  );
}

/** What the script says of the page: that it is not up to date, say. */
export function PageStatus() {
  return (
    <p
      id="page-status"
      role="status"
      data-ended={t('script.ended')}
      data-unreachable={t('script.unreachable')}
      data-copied={t('script.copied')}
      data-copy-by-hand={t('script.copyByHand')}
    />
  );
}
