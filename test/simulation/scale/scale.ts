import { scaleReport, simulateScale } from './report.ts';

/** `npm run simulate -- scale`: what docs/scaling.md shows. */
export function printScale(): void {
  console.log(scaleReport(simulateScale()));
}
