import { shownUrl } from '../../domain/endpoint/shown-url.ts';
import type { Visit } from '../frame/visit.ts';

/** How much of a URL stands beside a name, in characters. */
const MOST_BESIDE_NAME = 64;

/** A webhook's URL as a visit may see it, cut in the middle; from left to right, whatever the language. */
export function WebhookUrl({ url, visit, most = MOST_BESIDE_NAME }: { url: string; visit: Visit; most?: number }) {
  return (
    <bdi dir="ltr" class="url">
      {shownUrl(url, { mayWrite: visit.can('write'), most })}
    </bdi>
  );
}
