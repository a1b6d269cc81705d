import { version } from '../package.json';

/** The service's version, as `User-Agent` and `/health` say it. */
export const VERSION: string = version;
