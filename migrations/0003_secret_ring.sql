ALTER TABLE `dashboard_sessions` ADD `secret_shown_at` integer;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `secret_ring` text;--> statement-breakpoint
CREATE INDEX `webhooks_overlaps` ON `webhooks` (`previous_secret_expires_at`) WHERE "webhooks"."previous_secret_expires_at" is not null;