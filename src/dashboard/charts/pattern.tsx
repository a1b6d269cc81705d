/*
 * What tells the layers of a bar apart where colours do not: on paper, and for those who see fewer of them. A pattern's colour is
 * that of the class `chart-<layer>` (charts.css), which sets `color`: whether it fills or strokes is said where it is used.
 */
export type PatternName = 'solid' | 'hatched' | 'dotted' | 'barred' | 'crossed';

/** Of a tile, in pixels. */
const SIZE = 6;

interface PatternProps {
  /** The page's, so that charts beside each other need ids of their own. */
  id: string;
  layer: string;
  name: PatternName;
}

/** An SVG pattern: a wash of the layer's colour, and the lines or dots upon it. */
export function Pattern({ id, layer, name }: PatternProps) {
  return (
    <pattern id={id} width={SIZE} height={SIZE} patternUnits="userSpaceOnUse">
      <rect class={`chart-${layer}`} width={SIZE} height={SIZE} fill="currentColor" fill-opacity={name === 'solid' ? 1 : 0.3} />
      <Ink layer={layer} name={name} />
    </pattern>
  );
}

function Ink({ layer, name }: Omit<PatternProps, 'id'>) {
  const path = PATHS[name];
  return path === null ? null : <path class={`chart-${layer}`} d={path} stroke="currentColor" stroke-width="2" />;
}

/** Drawn beyond the tile's corners, so that lines meet those of the next tile. */
const PATHS: Record<PatternName, string | null> = {
  solid: null,
  hatched: 'M-1 1L1 -1M0 6L6 0M5 7L7 5',
  dotted: 'M2 3h2',
  barred: 'M0 3h6',
  crossed: 'M0 0L6 6M0 6L6 0',
};

/** A layer's mark in a legend; it uses the chart's pattern. */
export function Swatch({ id, layer }: Omit<PatternProps, 'name'>) {
  return (
    <svg class="chart-swatch" width="14" height="14" aria-hidden="true">
      <rect class={`chart-${layer}`} x="1" y="1" width="12" height="12" rx="2" fill={`url(#${id})`} stroke="currentColor" />
    </svg>
  );
}
