/** Resources of a way to deploy, by a part of their logical ids, with references worked out. */
import assert from 'node:assert/strict';
import { nameOf, type Resource, resolve } from '../support/aws/template.ts';
import { type Synthesis, synthesise } from './synthesis.ts';
import { WAYS } from './ways.ts';

type Properties = Resource['Properties'];

export interface Deployed extends Synthesis {
  /** Logical ids of a type, in the order of the template. */
  idsOf: (type: string) => string[];
  /** The one of this type whose logical id starts so. */
  idOf: (type: string, start: string) => string;
  /** What it is called once it is deployed. */
  named: (type: string, start: string) => string;
  propertiesOf: (type: string, start: string) => Properties;
  /** `DeletionPolicy` of the template. */
  whenDeleted: (type: string, start: string) => unknown;
}

const deployed = new Map<string, Deployed>();

/** Synthesised once. @param way a key of `WAYS` */
export function deployedAs(way: string): Deployed {
  const found = deployed.get(way) ?? lookInto(synthesise(WAYS[way]));
  deployed.set(way, found);
  return found;
}

function lookInto(synthesis: Synthesis): Deployed {
  const { resources } = synthesis;
  const idsOf = (type: string) => Object.keys(resources).filter((id) => resources[id]!.Type === type);
  const idOf = (type: string, start: string) => {
    const ids = idsOf(type).filter((id) => id.startsWith(start));
    assert.equal(ids.length, 1, `${type} ${start}: ${ids.join(', ')}`);
    return ids[0]!;
  };
  return {
    ...synthesis,
    idsOf,
    idOf,
    named: (type, start) => nameOf(idOf(type, start)),
    propertiesOf: (type, start) => resolve(resources[idOf(type, start)]!.Properties, resources) as Properties,
    whenDeleted: (type, start) =>
      (resources[idOf(type, start)] as { DeletionPolicy?: string }).DeletionPolicy,
  };
}
