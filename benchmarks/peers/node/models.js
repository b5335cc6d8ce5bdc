"use strict";
const { DataTypes, Sequelize } = require("sequelize");

// One environment answers one request at a time: one connection, kept. The version is
// named, or Sequelize would open a second connection to ask for it.
const sequelize = new Sequelize(process.env.DATABASE_URL, {
  dialect: "mysql",
  databaseVersion: "8.4.0",
  logging: false,
  pool: { max: 1, min: 1, idle: 300000 },
  define: { timestamps: false, underscored: true },
});

const User = sequelize.define(
  "user",
  {
    username: { type: DataTypes.STRING(50), allowNull: false },
    fullName: { type: DataTypes.STRING(150), allowNull: false },
    tokenDigest: { type: DataTypes.CHAR(128) },
  },
  { tableName: "users" },
);

const Post = sequelize.define(
  "post",
  {
    publicId: {
      type: DataTypes.UUID,
      allowNull: false,
      defaultValue: DataTypes.UUIDV4,
    },
    status: { type: DataTypes.STRING(20), allowNull: false, defaultValue: "draft" },
    title: { type: DataTypes.STRING(150), allowNull: false },
    slug: { type: DataTypes.STRING(100), allowNull: false },
    excerpt: { type: DataTypes.STRING(300), allowNull: false, defaultValue: "" },
    summary: { type: DataTypes.STRING(300), allowNull: false },
    body: { type: DataTypes.TEXT, allowNull: false },
    bodyHtml: { type: DataTypes.TEXT, allowNull: false },
    coverAlt: { type: DataTypes.STRING(250), allowNull: false, defaultValue: "" },
    commentsOpen: { type: DataTypes.BOOLEAN, allowNull: false, defaultValue: true },
    publishedAt: { type: DataTypes.DATE(6) },
    revisedAt: { type: DataTypes.DATE(6), allowNull: false },
    createdAt: { type: DataTypes.DATE(6), allowNull: false },
  },
  { tableName: "posts" },
);

const Comment = sequelize.define(
  "comment",
  {
    body: { type: DataTypes.TEXT, allowNull: false },
    postedAt: { type: DataTypes.DATE(6), allowNull: false },
  },
  { tableName: "comments" },
);

Post.belongsTo(User, { as: "author", foreignKey: "authorId" });
Post.hasMany(Comment, { foreignKey: "postId" });
Comment.belongsTo(User, { as: "author", foreignKey: "authorId" });

const COMMENT_COUNT = [
  sequelize.literal("(SELECT COUNT(*) FROM comments WHERE comments.post_id = post.id)"),
  "commentCount",
];

module.exports = { Sequelize, User, Post, COMMENT_COUNT };
