/** What a deployer may change about the server on GPU machines. */
import * as z from 'zod';
import { originsSchema } from '../src/http/cross-origin.ts';

/** Of one scaling policy, one for each machine. https://docs.aws.amazon.com/autoscaling/application/APIReference/API_StepScalingPolicyConfiguration.html */
const MAX_STEPS = 20;

export const gpuSettingsSchema = z
  .strictObject({
    /** One GPU each: the server uses one. */
    instanceType: z.string().regex(/^(g4dn|g5|g6|g6e)\.\w+$/, 'expected a type of g4dn, g5, g6 or g6e'),
    /** Spare capacity at a lower price, which AWS may take back at two minutes' notice. */
    spot: z.boolean(),
    /** 0: no machine runs, or costs, while no image waits; HTTP is answered 503 then. */
    minInstances: z.int().min(0).max(MAX_STEPS),
    maxInstances: z.int().min(1).max(MAX_STEPS),
    /** Messages that one machine is there for: the first message starts one, and so many more start another each time. */
    messagesPerInstance: z.int().min(1),
    /** Minutes for which machines stay when fewer messages wait, or none. */
    idleMinutes: z.int().min(1).max(60),
    /** Captioners in one server, each with its own copy of the model on the GPU. */
    workers: z.int().min(1).max(64),
    /** MB of the machine's memory for the server; the rest is the system's. */
    memory: z.int().min(2048),
    /** The servers' own bundle until version 1.0.0: what they and the functions wrote were two kinds of results. */
    modelDirectory: z
      .undefined('functions and servers share modelDirectory of the settings: take it out here')
      .optional(),
    /** The image that has CUDA, cuDNN and a glibc; its version must be the one that onnxruntime was built for. */
    baseImage: z.string().min(1),
    /** Who may reach the load balancer, inside the network. */
    clientCidr: z.cidrv4(),
    /** Origins whose pages may call the servers from inside the network, `*` for any. */
    corsOrigins: originsSchema.default([]),
    /** Of ACM, for HTTPS; without it clients and load balancer speak HTTP inside the network. */
    certificateArn: z.string().startsWith('arn:').optional(),
    /** Makes the interface endpoints to AWS that machines and servers need in a network without a NAT gateway. */
    endpoints: z.boolean().default(false),
  })
  .refine((s) => s.minInstances <= s.maxInstances, {
    path: ['minInstances'],
    message: 'minInstances has to be at most maxInstances',
  });

export type GpuSettings = z.output<typeof gpuSettingsSchema>;

/** A T4 with 16 GB, the least expensive: an Inception v3 fits many times. `modelDirectory` has to be an fp32 bundle. */
export const SMALLEST_GPU: GpuSettings = {
  instanceType: 'g4dn.xlarge',
  spot: true,
  minInstances: 0,
  maxInstances: 2,
  messagesPerInstance: 1_000,
  idleMinutes: 15,
  workers: 4,
  memory: 12_288,
  baseImage: 'nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04',
  clientCidr: '10.0.0.0/8',
  corsOrigins: [],
  endpoints: false,
};
