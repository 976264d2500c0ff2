/** Tells whoever listens on a bus what became of images and runs. At least once: whoever failed to is asked again. */
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Announce } from '../s3/follow-up.ts';
import { type FinishedRun, imageEvent, type ResultEvent, runEvent } from './details.ts';
import { createEventBridgeClient, MAX_ENTRIES, putEvents } from './event-bus.ts';

export interface AnnouncerSettings {
  /** Name of the bus. */
  bus: string;
  /** Which of several deployments this is. */
  deployment: string;
}

/** All throw UpstreamUnavailable and DeadlineExceeded. */
export interface Announcer {
  /** At once. */
  image: Announce;
  run(run: FinishedRun): Promise<void>;
  /** For many images: together, as many as one request takes. */
  gather(): Gathering;
}

export interface Gathering {
  image: Announce;
  /** Puts what is left. */
  flush(deadline?: number): Promise<void>;
}

/** @param capture gives a client whose requests are traced @default none are */
export function createAnnouncer(
  { bus, deployment }: AnnouncerSettings,
  capture: (client: EventBridgeClient) => EventBridgeClient = (client) => client,
): Announcer {
  const parts = { client: capture(createEventBridgeClient()), bus };
  const put = (events: ResultEvent[], deadline?: number) => putEvents(events, parts, deadline);
  return {
    image: (document, location, deadline) => put([imageEvent(document, location, deployment)], deadline),
    run: (run) => put([runEvent(run, deployment)]),
    gather: () => {
      const waiting: ResultEvent[] = [];
      const flush = (deadline?: number) => put(waiting.splice(0), deadline);
      return {
        image: async (document, location, deadline) => {
          waiting.push(imageEvent(document, location, deployment));
          if (waiting.length === MAX_ENTRIES) await flush(deadline);
        },
        flush,
      };
    },
  };
}
