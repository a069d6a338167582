import { builder } from './builder.ts';
import './scalars.ts';
import './product.ts';
import './rate-limit.ts';
import './user.ts';
import './order.ts';
import './sales-report.ts';
import './home-screen.ts';
import './payment.ts';
import './room.ts';
import './node.ts';
import './viewer.ts';
import './order-mutations.ts';
import './payment-mutations.ts';
import './chat-mutations.ts';
import './profile-mutations.ts';
import './order-subscriptions.ts';
import './price-subscriptions.ts';
import './chat-subscriptions.ts';

/** The shop's graph. */
export const schema = builder.toSchema();
