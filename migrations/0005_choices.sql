ALTER TABLE `webhooks` ADD `filter` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `once` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `fields` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `format` text DEFAULT 'event' NOT NULL;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `template` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `headers` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `header_names` text;--> statement-breakpoint
ALTER TABLE `webhooks` ADD `retry_schedule` text;