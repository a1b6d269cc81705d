/** Icons are drawn in the text's colour, and say nothing that a word beside them does not. */
const PATHS = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4.5 4.5l7 7m0-7l-7 7',
  clock: 'M8 4.5V8l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3',
  pause: 'M6 4.5v7M10 4.5v7',
  warning: 'M8 2.5l6 10.5H2zM8 6.5v3M8 11.3v.2',
  bolt: 'M8.8 2L4 9h3.4l-.6 5L12 7H8.2z',
  plus: 'M8 3.5v9M3.5 8h9',
  skip: 'M4 8h8',
  info: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 7.5v3.2M8 5.2v.2',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
