import { hash } from 'node:crypto';
import { anonymousPrincipal, type Principal } from '../identity/principal.ts';
import type { Audience, Topic } from '../realtime/topic.ts';
import type { TopicSource } from './topic-source.ts';

/** Whoever reads what is for everybody. */
const everybody = anonymousPrincipal('public');

/**
 * The principal as whom an event is executed for all of an audience: of everybody nobody is known, of a tenant its name
 * and scopes.
 */
export function audiencePrincipal(principal: Principal, audience: Audience): Principal {
  if (audience === 'public') return everybody;
  if (audience === 'viewer' || principal.tenant === null) return principal;
  return Object.freeze({ ...principal, subject: null, client: null, expiresAtMs: null });
}

/** The key of those who may share an execution with the principal. */
export function audienceKey(principal: Principal, audience: Audience): string {
  return principal.audienceKeys[audience];
}

/** The topic of an audience: its own, unless all share one. Of a key that is not for everybody only a digest is told. */
export function audienceTopic({ topic, options }: TopicSource, principal: Principal): Topic {
  if (options.isShared || topic.audience === 'public') return topic;
  const digest = hash('sha256', audienceKey(principal, topic.audience)).slice(0, 32);
  return { ...topic, key: `${topic.key}@${digest}` };
}
