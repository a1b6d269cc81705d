CREATE TABLE `alert_addresses` (
	`organization_id` text NOT NULL,
	`address` text NOT NULL,
	`token` text NOT NULL,
	`confirmed_at` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`organization_id`, `address`),
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alert_addresses_token` ON `alert_addresses` (`token`);--> statement-breakpoint
CREATE TABLE `alerts` (
	`organization_id` text PRIMARY KEY NOT NULL,
	`events` text NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `audit_log` (
	`id` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`at` integer NOT NULL,
	`actor_type` text NOT NULL,
	`actor_id` text,
	`actor_name` text,
	`network` text,
	`action` text NOT NULL,
	`target_type` text NOT NULL,
	`target_id` text NOT NULL,
	`changes` text NOT NULL,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `audit_log_organization` ON `audit_log` (`organization_id`,`id`);--> statement-breakpoint
CREATE INDEX `audit_log_action` ON `audit_log` (`organization_id`,`action`,`id`);--> statement-breakpoint
CREATE TABLE `erasure_webhooks` (
	`erasure_id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`deliveries` integer DEFAULT 0 NOT NULL,
	`notified` text,
	`finished_at` integer,
	PRIMARY KEY(`erasure_id`, `webhook_id`),
	FOREIGN KEY (`erasure_id`) REFERENCES `erasures`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `erasures` (
	`id` text PRIMARY KEY NOT NULL,
	`organization_id` text NOT NULL,
	`field` text NOT NULL,
	`value` text,
	`hash` text,
	`parked_after` text DEFAULT '',
	`requested_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`organization_id`) REFERENCES `organizations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `erasures_organization` ON `erasures` (`organization_id`,`id`);--> statement-breakpoint
CREATE INDEX `erasures_finished` ON `erasures` (`finished_at`);--> statement-breakpoint
CREATE INDEX `erasures_unfinished` ON `erasures` (`requested_at`) WHERE "erasures"."finished_at" is null;--> statement-breakpoint
ALTER TABLE `dashboard_links` ADD `subject` text;--> statement-breakpoint
ALTER TABLE `dashboard_sessions` ADD `subject` text;--> statement-breakpoint
ALTER TABLE `dashboard_sessions` ADD `network` text;