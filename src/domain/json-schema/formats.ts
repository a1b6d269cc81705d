import { parseIsoTime } from '../text/iso-time.ts';

/** Longest text that can have a format, in characters. */
const MAX_LENGTH = 4_096;

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d\d:\d\d:\d\d(?:\.\d+)?(?:z|[+-]\d\d:\d\d)$/i;

/** The formats that are checked, each in one pass over the text; any other is a remark. */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => DATE.test(text.slice(0, 10)) && /^[Tt ]$/.test(text.charAt(10)) && TIME.test(text.slice(11)) && isTime(text),
  date: (text) => DATE.test(text) && isTime(text),
  time: (text) => TIME.test(text) && isTime(`2026-01-01T${text}`),
  email: (text) => {
    const at = text.lastIndexOf('@');
    const local = text.slice(0, Math.max(at, 0));
    return at <= 64 && /^[^\s@"(),:;<>[\\\]]+$/.test(local) && !/^\.|\.\.|\.$/.test(local) && HOST_NAME.test(text.slice(at + 1));
  },
  hostname: (text) => HOST_NAME.test(text),
  ipv4: (text) => IPV4.test(text),
  ipv6: (text) => /^[0-9a-f:.]{2,45}$/i.test(text) && URL.canParse(`http://[${text}]/`),
  uri: (text) => /^[a-z][a-z0-9+.-]*:(?:[^\s"<>\\^`{|}%]|%[0-9a-f]{2})*$/i.test(text) && URL.canParse(text),
  uuid: (text) => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text),
};

function isTime(text: string): boolean {
  return parseIsoTime(text) !== null;
}

/** Whether a text has a format; of a format that is not known nothing is asked. */
export function hasFormat(format: string, text: string): boolean {
  const test = Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  return test === undefined || (text.length <= MAX_LENGTH && test(text));
}
