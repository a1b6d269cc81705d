import { type Colour, inkOn, parseColour, readableOn, writeColour } from '../../domain/text/colour.ts';
import { settingsOf } from '../../settings.ts';
import type { PageContext } from './visit.ts';

/** The backgrounds of dashboard.css that coloured text stands on: `--surface` and, in the dark, its lightest neighbour. */
const LIGHT_BACKGROUND = parseColour('#f6f7f9');
const DARK_BACKGROUND = parseColour('#20242c');

/** The operator's colour as the stylesheet needs it: on buttons as it is, as text in a shade that reads in either theme. */
export function themeStylesheet(accent: Colour): string {
  const shared = `--accent: ${writeColour(accent)}; --accent-ink: ${writeColour(inkOn(accent))};`;
  const light = `--accent-text: ${writeColour(readableOn(accent, LIGHT_BACKGROUND))};`;
  const dark = `--accent-text: ${writeColour(readableOn(accent, DARK_BACKGROUND))};`;
  return `:root { ${shared} ${light} }\n@media (prefers-color-scheme: dark) { :root { ${dark} } }\n`;
}

/** `theme.css`: a stylesheet of its own, since pages have no inline styles. */
export function theme(c: PageContext): Response {
  const headers = { 'Content-Type': 'text/css; charset=utf-8', 'Cache-Control': 'public, max-age=300' };
  return new Response(themeStylesheet(settingsOf(c.env).dashboard.accent), { headers });
}
