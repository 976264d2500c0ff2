/** How many GPU machines a queue gets, minute by minute, as AWS documents what alarms and step scaling policies do. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage, FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { type ScalingProps, scaleByQueue } from '../../../infra/gpu/scaling.ts';
import { capacityAfter, type Datapoint, stateOf } from '../../support/aws/alarms.ts';
import { type Resource, type Resources, resolve } from '../../support/aws/template.ts';

const MESSAGES = 1_000;
const IDLE = 15;
type Settings = ScalingProps['settings'];

const synthesised = new Map<string, Resources>();

/** Servers of any kind: what is scaled does not matter to the rules. */
function synthesise(settings: Settings): Resources {
  const found = synthesised.get(JSON.stringify(settings)) ?? makeService(settings);
  synthesised.set(JSON.stringify(settings), found);
  return found;
}

function makeService(settings: Settings): Resources {
  const stack = new Stack(
    new App({ analyticsReporting: false, builtinCloudFormationValidation: false }),
    'Scaling',
  );
  const vpc = Vpc.fromVpcAttributes(stack, 'Network', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a'],
    privateSubnetIds: ['subnet-1'],
    privateSubnetRouteTableIds: ['rtb-1'],
  });
  const taskDefinition = new FargateTaskDefinition(stack, 'Task');
  taskDefinition.addContainer('Server', { image: ContainerImage.fromRegistry('server') });
  const cluster = new Cluster(stack, 'Cluster', { vpc });
  const service = new FargateService(stack, 'Service', { cluster, taskDefinition, minHealthyPercent: 0 });
  scaleByQueue(service, { inputQueue: new Queue(stack, 'Images'), settings });
  return Template.fromStack(stack).toJSON().Resources as Resources;
}

/** Messages that wait and that are at work, in one minute after the other, to machines at the end of each. */
function machinesFor(settings: Settings, minutes: readonly [waiting: number, atWork: number][]): number[] {
  const resources = synthesise(settings);
  const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type);
  const properties = ({ Properties }: Resource) => resolve(Properties, resources) as Resource['Properties'];
  const queue = ofType('AWS::SQS::Queue')[0]![0].toLowerCase();
  const target = ofType('AWS::ApplicationAutoScaling::ScalableTarget')[0]![1].Properties;
  const alarms = ofType('AWS::CloudWatch::Alarm').map(([, alarm]) => {
    const [{ Ref: policy }] = alarm.Properties.AlarmActions as [{ Ref: string }];
    return { alarm: properties(alarm), policy: properties(resources[policy]!) };
  });
  assert.equal(alarms.length, 2);
  const datapoints: Datapoint[] = [];
  const bounds = { least: Number(target.MinCapacity), most: Number(target.MaxCapacity) };
  let capacity = bounds.least;
  return minutes.map(([waiting, atWork], minute) => {
    for (const [name, value] of [
      ['Visible', waiting],
      ['NotVisible', atWork],
    ] as const) {
      const metric = `ApproximateNumberOfMessages${name}`;
      const dimensions = { QueueName: `${queue}.QueueName` };
      datapoints.push({ namespace: 'AWS/SQS', metric, dimensions, minute, value });
    }
    for (const { alarm, policy } of alarms) {
      if (stateOf(alarm, datapoints, minute) !== 'ALARM') continue;
      capacity = capacityAfter(policy, alarm, { capacity, ...bounds }, datapoints, minute);
    }
    return capacity;
  });
}

const during = (minutes: number, waiting: number, atWork = 0) =>
  Array.from({ length: minutes }, (): [number, number] => [waiting, atWork]);
const settingsOf = (minInstances: number, maxInstances: number): Settings => ({
  minInstances,
  maxInstances,
  messagesPerInstance: MESSAGES,
  idleMinutes: IDLE,
});

describe('messages that wait', () => {
  for (const least of [0, 1]) {
    for (const most of [1, 2, 3]) {
      test(`have a machine for each ${MESSAGES} of them, between ${least} and ${most}`, () => {
        const counts = [
          0,
          1,
          MESSAGES - 1,
          MESSAGES,
          MESSAGES + 1,
          2 * MESSAGES,
          2 * MESSAGES + 1,
          9 * MESSAGES,
        ];
        for (const count of counts) {
          const expected = Math.min(Math.max(Math.ceil(count / MESSAGES), least), most);
          assert.deepEqual(machinesFor(settingsOf(least, most), during(1, count)), [expected], `${count}`);
        }
      });
    }
  }

  test('keep their machines while they become fewer, and for a while after', () => {
    const machines = machinesFor(settingsOf(0, 3), [
      ...during(2, 2 * MESSAGES + 1),
      ...during(IDLE - 1, 10, 20),
      ...during(IDLE, 1, 20),
    ]);
    const kept = 2 + (IDLE - 1);
    assert.deepEqual(machines.slice(0, kept), Array(kept).fill(3));
    assert.deepEqual(machines.slice(kept), Array(IDLE).fill(1));
  });

  test('get more machines in the minute in which they become more', () => {
    assert.deepEqual(
      machinesFor(settingsOf(0, 3), [...during(1, 1), ...during(1, MESSAGES), ...during(1, MESSAGES + 1)]),
      [1, 1, 2],
    );
  });
});

describe('machines', () => {
  test('stay while anything is at work, and stop once nothing has been for a while', () => {
    const machines = machinesFor(settingsOf(0, 2), [
      ...during(1, 1),
      ...during(2 * IDLE, 0, 1),
      ...during(IDLE, 0),
      ...during(1, 1),
    ]);
    const working = 1 + 2 * IDLE;
    assert.deepEqual(machines.slice(0, working + IDLE - 1), Array(working + IDLE - 1).fill(1));
    assert.deepEqual(machines.slice(working + IDLE - 1), [0, 1]);
  });

  test('that are kept for nothing to do never fall below the least', () => {
    assert.equal(
      machinesFor(settingsOf(1, 2), [...during(1, 9 * MESSAGES), ...during(3 * IDLE, 0)]).at(-1),
      1,
    );
  });
});
