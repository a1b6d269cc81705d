import { isObject } from './parts.ts';

const TYPE_NAMES: Readonly<Record<string, string>> = { array: 'an array', integer: 'a whole number', null: 'null', object: 'an object' };

export function typeName(type: unknown): string {
  return TYPE_NAMES[String(type)] ?? `a ${String(type)}`;
}

export function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'null') return value === null;
  return type === 'object' ? isObject(value) : typeof value === type;
}

/** A JSON value as a text that equal values share: names in order, so that two can be compared by it. */
export function textOf(value: unknown, spend: (steps: number) => void): string {
  if (typeof value === 'string') {
    spend(1 + value.length);
    return JSON.stringify(value);
  }
  spend(1);
  // A number of a text can be too large for one: it is Infinity then, which JSON does not have.
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => textOf(item, spend)).join(',')}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${textOf(name, spend)}:${textOf(member, spend)}`).join(',')}}`;
}

/** By the decimals as they are written: 0.3 is a multiple of 0.1. */
export function isMultipleOf(number: number, divisor: number): boolean {
  if (!Number.isFinite(number) || divisor <= 0) return false;
  const [digits, exponent] = decimalOf(number);
  const [divisorDigits, divisorExponent] = decimalOf(divisor);
  const shift = Math.min(exponent, divisorExponent);
  return (digits * 10n ** BigInt(exponent - shift)) % (divisorDigits * 10n ** BigInt(divisorExponent - shift)) === 0n;
}

function decimalOf(number: number): [digits: bigint, exponent: number] {
  const [mantissa = '', exponent = '0'] = Math.abs(number).toString().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return [BigInt(whole + fraction), Number(exponent) - fraction.length];
}
