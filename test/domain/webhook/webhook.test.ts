import { describe, expect, it } from 'vitest';
import { subscribes } from '../../../src/domain/webhook/webhook.ts';

describe('a subscription', () => {
  it.each<[string[], string]>([
    [['visitor.identified'], 'visitor.identified'],
    [['order.placed', 'visitor.identified'], 'visitor.identified'],
    [['*'], 'visitor.identified'],
    [['*'], 'ping'],
    [['visitor.*'], 'visitor.identified'],
    [['visitor.*'], 'visitor.page.viewed'],
    [['visitor.page.*'], 'visitor.page.viewed'],
    [['order.*', '*'], 'visitor.identified'],
  ])('to %j covers %s', (events, eventType) => {
    expect(subscribes(events, eventType)).toBe(true);
  });

  it.each<[string[], string]>([
    [[], 'visitor.identified'],
    [['visitor'], 'visitor.identified'],
    [['visitor.identified'], 'visitor'],
    [['visitor.identified'], 'visitor.identified.again'],
    [['visitor.identified.again'], 'visitor.identified'],
    [['visitor.*'], 'visitor'],
    [['visitor.*'], 'visitors.identified'],
    [['visitor.*'], 'a.visitor.identified'],
    [['visitor.page.*'], 'visitor.identified'],
    [['visitor*'], 'visitor.identified'],
    [['*.identified'], 'visitor.identified'],
    [['Visitor.*'], 'visitor.identified'],
    [['visitor.?dentified', 'visitor.[a-z]+', '.*'], 'visitor.identified'],
  ])('to %j does not cover %s', (events, eventType) => {
    expect(subscribes(events, eventType)).toBe(false);
  });
});
